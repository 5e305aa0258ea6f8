package kube

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// stage is what a scenario of an outage is played on: a Dispatcher with traffic
// that nothing may disturb, and changes that are made meanwhile.
type stage struct {
	*scenario
	d      *dispatcher.Dispatcher
	open   *namespace // has "/steady", which is asked for all the time
	closed *namespace // demands a key for "/guarded"
	*traffic
	made []*change
}

// traffic is asked from when the stage is set until the test ends.
type traffic struct {
	answered atomic.Int64

	mu     sync.Mutex
	never  []place   // that must not be reached without a key
	killed time.Time // when nginx was, last
}

// gap is how long requests may fail after nginx has been killed: it takes its workers
// and their connections with it.
const gap = 2 * time.Second

// excuse notes when nginx is killed.
func (tr *traffic) excuse(killed time.Time) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.killed = killed
}

// excused reports whether a request may have failed because nginx was killed.
func (tr *traffic) excused(began time.Time) bool {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return time.Now().After(tr.killed) && began.Before(tr.killed.Add(gap))
}

// place is what a request asks for.
type place struct{ host, uri string }

// stage sets the stage. start starts the Dispatcher, when all else is there.
func (s *scenario) stage(start func() *dispatcher.Dispatcher) *stage {
	s.t.Helper()
	s.own = "stage-" + rand.String(6)
	st := &stage{scenario: s, traffic: &traffic{}, open: s.namespace("open"), closed: s.namespace("closed")}
	st.closed.secret("routing", "api-key", "constant")
	st.closed.pod("guarded", "/guarded").run()
	st.open.pod("steady", "/steady").run()
	st.prepare()
	st.d = start()
	st.d.Serves(st.open.host, "/steady", "steady")
	st.d.Serves(st.closed.host, "/guarded", "guarded", key("constant"))
	st.guard(st.closed.host, "/guarded")
	st.ask()
	return st
}

// guard lets the traffic ask for what must not be reached without a key.
func (st *stage) guard(host, uri string) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.never = append(st.never, place{host, uri})
}

// perSecond is how many requests the traffic has.
const perSecond = 100

// ask begins the traffic: half of it for what is always served, and half without a
// key.
func (st *stage) ask() {
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	half := func(request func(n int) (failure string)) {
		asking.Go(func() {
			tick := time.NewTicker(2 * time.Second / perSecond)
			defer tick.Stop()
			for n := 0; ctx.Err() == nil; n++ {
				if failure := request(n); failure != "" {
					st.t.Errorf("%s: request %d: %s", time.Now().UTC().Format("15:04:05.000"), n, failure)
					return
				}
				st.answered.Add(1)
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
		})
	}
	half(func(int) string {
		began := time.Now()
		if got := st.d.Try(st.open.host, "/steady"); got.Pod != "steady" && !st.excused(began) {
			return fmt.Sprintf("the untouched route: status %d, %v", got.Status, got.Err)
		}
		return ""
	})
	half(func(n int) string {
		st.mu.Lock()
		at := st.never[n%len(st.never)]
		st.mu.Unlock()
		if got := st.d.Try(at.host, at.uri); got.Pod != "" || got.Status == http.StatusOK {
			return fmt.Sprintf("%s%s is open: answered by %q, status %d", at.host, at.uri, got.Pod, got.Status)
		}
		return ""
	})
	st.t.Cleanup(func() {
		cancel()
		asking.Wait()
		if st.answered.Load() < 20 {
			st.t.Errorf("only %d requests were answered", st.answered.Load())
		}
		for line := range strings.Lines(st.d.Log()) {
			if strings.Contains(line, "level=ERROR") && st.killed.IsZero() {
				st.t.Errorf("an outage is no error of Dispatcher's: %s", line)
			}
		}
	})
}

// change is what owners do during one outage. Each of them keeps in order what
// must not be seen without a key, and so must Dispatcher when it hears of it all
// at once.
type change struct {
	leaves          *pod
	locks, unlocks  *namespace
	lockPod, unlock *pod
	born            *namespace
}

// prepare makes what the next change is about.
func (st *stage) prepare() *change {
	st.t.Helper()
	n := len(st.made)
	c := &change{locks: st.namespace("locks"), unlocks: st.namespace("unlocks")}
	c.leaves = st.open.pod(fmt.Sprintf("leaves%d", n), fmt.Sprintf("/leaves%d", n)).run()
	c.lockPod = c.locks.pod(fmt.Sprintf("lock%d", n), "/app").run()
	c.unlocks.secret("routing", "api-key", "first")
	c.unlock = c.unlocks.pod(fmt.Sprintf("unlock%d", n), "/private").run()
	st.made = append(st.made, c)
	return c
}

// change makes the changes.
func (st *stage) change() {
	st.t.Helper()
	n := len(st.made) - 1
	c := st.made[n]
	st.open.pod(fmt.Sprintf("comes%d", n), fmt.Sprintf("/comes%d", n)).run()
	c.leaves.vanish()

	st.guard(c.locks.host, "/inner") // never existed without the key
	c.locks.secret("routing", "api-key", "second")
	c.lockPod.annotate(pathsKey, c.lockPod.paths("/inner"))

	st.guard(c.unlocks.host, "/private") // has gone before its key goes
	c.unlock.annotate(pathsKey, c.unlock.paths("/public"))
	st.must(st.client.CoreV1().Secrets(c.unlocks.name).Delete(st.ctx, "routing", metav1.DeleteOptions{}))

	c.born = st.namespace("born")
	st.guard(c.born.host, "/app")
	c.born.secret("routing", "api-key", "third")
	c.born.pod(fmt.Sprintf("born%d", n), "/app").run()
}

// missing names the first change that is not live, "" if all are.
func (st *stage) missing() string {
	n := len(st.made) - 1
	c := st.made[n]
	d := st.d
	switch {
	case d.Try(st.open.host, fmt.Sprintf("/comes%d", n)).Pod != fmt.Sprintf("comes%d", n):
		return "a new Pod"
	case d.Try(st.open.host, fmt.Sprintf("/leaves%d", n)).Status != http.StatusNotFound:
		return "a Pod that has gone"
	case d.Try(c.locks.host, "/inner").Status != http.StatusForbidden || d.Try(c.locks.host, "/inner", key("second")).Pod != c.lockPod.Name:
		return "a new key"
	case d.Try(c.unlocks.host, "/public").Pod != c.unlock.Name || d.Try(c.unlocks.host, "/private").Status != http.StatusNotFound:
		return "a key that has gone"
	case d.Try(c.born.host, "/app").Status != http.StatusForbidden || d.Try(c.born.host, "/app", key("third")).Pod != fmt.Sprintf("born%d", n):
		return "a new Namespace with a key"
	}
	return ""
}

// clock tells the time since it was made. On a machine that has too much to do, it
// goes by the traffic, which then is as slow as all else.
func (st *stage) clock() func() time.Duration {
	began, answered := time.Now(), st.answered.Load()
	return func() time.Duration {
		return min(time.Since(began), time.Duration(st.answered.Load()-answered)*time.Second/perSecond).Round(10 * time.Millisecond)
	}
}

// returns wants the changes to be live soon after what was wrong has ended, which
// is now.
func (st *stage) returns(limit time.Duration) {
	st.t.Helper()
	began, since := time.Now(), st.clock()
	for missing := st.missing(); missing != ""; missing = st.missing() {
		if time.Since(began) > 2*patience {
			st.t.Fatalf("%v after the return this is not live: %s", 2*patience, missing)
		}
		time.Sleep(10 * time.Millisecond)
	}
	took := since()
	if took > limit {
		st.t.Errorf("the changes were live after %v, want %v", took, limit)
	}
	st.t.Logf("live %v after the return; %d requests so far", took, st.answered.Load())
	st.d.Ready()
	st.prepare()
}

// goesOn lets the traffic go on for so long.
func (st *stage) goesOn(d time.Duration) {
	st.t.Helper()
	since := st.clock()
	st.d.Within(patience+5*d, "the traffic goes on", func() bool { return since() >= d })
}

// notices waits until the log has these words once more than before, and wants
// Dispatcher to be ready all the same.
func (st *stage) notices(words string) {
	st.t.Helper()
	st.eventually("the log says: "+words, func() bool { return strings.Contains(st.d.Log(), words) })
	if status, _ := st.d.Probe("/readyz"); status != http.StatusOK {
		st.t.Errorf("meanwhile /readyz answers %d", status)
	}
}
