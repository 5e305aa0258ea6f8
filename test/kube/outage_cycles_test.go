package kube

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// resources is what the process of a Dispatcher uses, by the names of its metrics.
type resources map[string]float64

// measure asks a Dispatcher what it uses.
func measure(d *dispatcher.Dispatcher) resources {
	r := resources{"go_goroutines": 0, "process_open_fds": 0, "go_memstats_heap_alloc_bytes": 0, "process_resident_memory_bytes": 0}
	_, text := d.Probe("/metrics")
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if _, wanted := r[name]; wanted {
			r[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return r
}

// least is the least of each in some measurements: the moment after garbage was
// collected, and between two requests.
func least(all []resources) resources {
	out := resources{}
	for _, r := range all {
		for name, value := range r {
			if before, ok := out[name]; !ok || value < before {
				out[name] = value
			}
		}
	}
	return out
}

// TestOutageCycles: two hundred times the connections are cut, one way or the other, and
// come back. Nothing is left behind.
func TestOutageCycles(t *testing.T) {
	t.Parallel()
	const cycles = 200
	st, g := behind(t)
	p := st.open.pod("cycles", "/cycle0").run()
	st.d.Serves(st.open.host, "/cycle0", "cycles")
	var all []resources
	began, longest := time.Now(), time.Duration(0)
	for n := 1; n <= cycles; n++ {
		before := g.followed()
		if n%5 == 0 {
			g.refuse()
		} else {
			g.reset()
		}
		path := ""
		if n%10 == 0 {
			path = fmt.Sprintf("/cycle%d", n)
			p.annotate(pathsKey, p.paths(path))
		}
		st.must(g.mend())
		since := st.clock()
		st.d.Eventually("all is followed again", func() bool {
			return g.followed() > before && (path == "" || st.d.Try(st.open.host, path).Pod == "cycles")
		})
		longest = max(longest, since())
		all = append(all, measure(st.d))
	}
	early, late := least(all[20:60]), least(all[cycles-40:])
	t.Logf("%d cycles in %v, the longest return %v; early %v, late %v", cycles, time.Since(began).Round(time.Second), longest, early, late)
	for name, allowed := range map[string]float64{
		"go_goroutines": 18, "process_open_fds": 3, // two for each kind of objects; one that is left behind in each cycle would be 140
		"go_memstats_heap_alloc_bytes": 2 << 20, "process_resident_memory_bytes": 16 << 20,
	} {
		if early[name] == 0 || late[name] > early[name]+allowed {
			t.Errorf("%s: %.0f, and later %.0f", name, early[name], late[name])
		}
	}
	if longest > 5*time.Second {
		t.Errorf("the longest return took %v", longest)
	}
}
