package program

import (
	"runtime"
	"slices"

	"golang.org/x/sys/unix"
)

// needed are the capabilities that a test of a configuration may need: to bind ports
// below 1024, and to make folders for the workers' user in a work folder that may be
// another user's.
func needed() []int {
	return []int{unix.CAP_NET_BIND_SERVICE, unix.CAP_CHOWN, unix.CAP_FOWNER, unix.CAP_DAC_OVERRIDE}
}

// confined runs a function that starts a program, which can get no capabilities but
// those of keep, even if it runs as root. Where this process may not take away any, the
// program has no more than this process.
func confined(keep []int, run func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		for c := 0; c <= unix.CAP_LAST_CAP; c++ {
			if !slices.Contains(keep, c) {
				_ = unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)
			}
		}
		done <- run()
	}()
	return <-done
}
