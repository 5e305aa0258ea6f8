package tenants

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// group is cases that share a Dispatcher.
type group struct {
	name     string
	settings []string
	attacks  []attack
}

func groups() []group {
	return []group{
		{name: "limits", attacks: limits()}, // the longest first
		{name: "hosts", attacks: hosts()},
		{name: "paths", attacks: paths()},
		{name: "targets", attacks: targets()},
		{name: "numbers", attacks: numbers()},
		{name: "JSON", attacks: jsonTricks()},
		{name: "secrets", attacks: secrets()},
		{name: "keys", attacks: keys()},
		{name: "ingresses", attacks: ingresses()},
		{name: "services", attacks: services()},
		{name: "addresses", attacks: addresses()},
		{name: "set limits", attacks: setLimits(), settings: []string{
			"MAX_HOSTS_PER_NAMESPACE=5", "MAX_PATHS_PER_POD=8", "MAX_LOCATIONS_PER_NAMESPACE=20", "MAX_PATH_BYTES=64", "MAX_JSON_DEPTH=6", "MAX_KEY_BYTES=32",
			"MAX_CERTIFICATE_BYTES=4096", "MAX_WEIGHT=10", "MAX_PODS_PER_ROUTE=3", "MAX_OVERRIDES=3",
		}},
		{name: "listed hosts", attacks: listedHosts(), settings: []string{"ALLOWED_HOSTS=edge/hosts"}},
		{name: "exclusive hosts", attacks: exclusiveHosts(), settings: []string{"HOST_POLICY=exclusive"}},
	}
}

// TestTenants: whatever one tenant writes, the others are served, can change their
// routes, and keep their hosts, paths and keys; one bad entry costs its owner only that.
func TestTenants(t *testing.T) {
	t.Parallel()
	programs, err := dispatcher.FindPrograms(t.Context(), filepath.Join("..", ".."), t.TempDir())
	programs = dispatcher.Need(t, programs, err)
	help, err := exec.CommandContext(t.Context(), programs.Dispatcher, "run", "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	var lock sync.Mutex
	var delays []time.Duration
	run := func(t *testing.T, g group) {
		ready := slices.DeleteFunc(slices.Clone(g.attacks), func(a attack) bool {
			later := a.needs != "" && !bytes.Contains(help, []byte(a.needs))
			if later {
				t.Logf("%s waits for the setting %s", a.name, a.needs)
			}
			return later
		})
		if len(ready) == 0 {
			return
		}
		w := newWorld(t, programs, g.settings...)
		for n := range ready {
			t.Run(ready[n].name, func(t *testing.T) { w.try(t, &ready[n], n) })
		}
		lock.Lock()
		defer lock.Unlock()
		delays = append(delays, w.delays...)
		asked, worst := w.witness.sums()
		t.Logf("the witness was asked %d times, and waited %v at most", asked, worst.Round(time.Millisecond))
	}
	// They mostly wait, so more of them run at once than there are processors.
	queue := make(chan group)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for g := range queue {
				t.Run(g.name, func(t *testing.T) { run(t, g) })
			}
		})
	}
	for _, g := range groups() {
		queue <- g
	}
	close(queue)
	running.Wait()
	if len(delays) > 0 {
		slices.Sort(delays)
		t.Logf("%d routes were added beside the cases: live after %v (median), %v (95%%), %v (worst)",
			len(delays), delays[len(delays)/2], delays[len(delays)*95/100], delays[len(delays)-1])
	}
}

// TestEnough: each group has cases, and together they are many.
func TestEnough(t *testing.T) {
	t.Parallel()
	total, names := 0, map[string]bool{}
	for _, g := range groups() {
		if total += len(g.attacks); len(g.attacks) < 5 {
			t.Errorf("group %s has only %d cases", g.name, len(g.attacks))
		}
		for _, a := range g.attacks {
			if name := g.name + "/" + a.name; names[name] {
				t.Errorf("the case %s stands there twice", name)
			} else {
				names[name] = true
			}
		}
	}
	if total < 150 {
		t.Errorf("there are %d cases, want at least 150", total)
	}
}
