package kube

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// setClock shifts the wall clock of one process that runs, and of nothing else; 0
// sets it right again. The clock that timers use goes on as it was, as it does when
// somebody sets a machine's clock. It replaces the function by which the kernel lets
// the process read clocks (vDSO).
func setClock(t testing.TB, pid int, shift time.Duration) {
	t.Helper()
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine code that shifts a clock is for amd64")
	}
	if err := replaceClock(pid, int64(shift/time.Second)); err != nil {
		t.Fatalf("shift the clock of process %d: %v", pid, err)
	}
}

func replaceClock(pid int, seconds int64) error {
	if err := stopThreads(pid); err != nil {
		return err
	}
	defer func() { _ = syscall.Kill(pid, syscall.SIGCONT) }()
	memory, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", pid), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer memory.Close()
	at, size, err := findClock(pid, memory)
	if err != nil {
		return err
	}
	code := []byte{
		0xb8, 0xe4, 0, 0, 0, // mov eax, clock_gettime
		0x0f, 0x05, // syscall
		0x85, 0xff, // test edi, edi: the wall clock is 0
		0x75, 0x0d, // jne to the end
		0x49, 0xbb, // mov r11, seconds
	}
	code = binary.LittleEndian.AppendUint64(code, uint64(seconds))
	code = append(code, 0x4c, 0x01, 0x1e, 0xc3) // add [rsi], r11; ret
	// A thread that is inside must not go on in the midst of what is new.
	for inside := true; inside; {
		if inside, err = runsIn(pid, at, at+size); err != nil {
			return err
		}
		if inside {
			_ = syscall.Kill(pid, syscall.SIGCONT)
			if err := stopThreads(pid); err != nil {
				return err
			}
		}
	}
	_, err = memory.WriteAt(code, int64(at))
	return err
}

// findClock finds the function in the memory of a process.
func findClock(pid int, memory *os.File) (at, size uint64, err error) {
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		return 0, 0, err
	}
	var from, to uint64
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "[vdso]") {
			if _, err := fmt.Sscanf(line, "%x-%x", &from, &to); err != nil {
				return 0, 0, err
			}
		}
	}
	image := make([]byte, to-from)
	if _, err := memory.ReadAt(image, int64(from)); err != nil {
		return 0, 0, fmt.Errorf("read the vDSO: %w", err)
	}
	file, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		return 0, 0, err
	}
	symbols, err := file.DynamicSymbols()
	if err != nil {
		return 0, 0, err
	}
	for _, s := range symbols {
		if s.Name == "__vdso_clock_gettime" {
			return from + s.Value, s.Size, nil
		}
	}
	return 0, 0, errors.New("no clock_gettime in the vDSO")
}

// stopThreads stops all threads of a process.
func stopThreads(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		running := false
		err := threads(pid, "stat", func(text string) {
			_, state, _ := strings.Cut(text[strings.LastIndexByte(text, ')'):], " ")
			running = running || !strings.HasPrefix(state, "T")
		})
		if err != nil || !running {
			return err
		}
	}
	return fmt.Errorf("process %d does not stop", pid)
}

// runsIn reports whether a thread of a process that is stopped is between two
// addresses.
func runsIn(pid int, from, to uint64) (inside bool, err error) {
	err = threads(pid, "syscall", func(text string) {
		fields := strings.Fields(text)
		counter, err := strconv.ParseUint(fields[len(fields)-1], 0, 64)
		inside = inside || err != nil || from <= counter && counter < to
	})
	return inside, err
}

// threads reads a file of /proc of each thread of a process.
func threads(pid int, name string, see func(text string)) error {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/%s", pid, name))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no process %d (%w)", pid, err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && len(text) > 0 {
			see(string(text))
		}
	}
	return nil
}
