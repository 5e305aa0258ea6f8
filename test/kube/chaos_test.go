package kube

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/30x/dispatcher/test/internal/dispatcher"
)

// chaos is a stage on which one thing after the other goes wrong, while Pods come
// and go.
type chaos struct {
	*stage
	fragile *fragile
	gate    *gate // to the second API server
	account *account
	token   string // file
	secret  string // that the token in it depends on
	random  *rand.Rand
	slots   []*slot
	lockers []*locker
}

// slot is a Pod that comes and goes.
type slot struct {
	*pod
	paths   int // that it had
	changes bool
}

func (s *slot) path(n int) string { return fmt.Sprintf("/%s-%d", s.Name, n) }

// chaosTime is how long it lasts: CHAOSTIME, or else a minute in CI and less by hand.
func chaosTime(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("CHAOSTIME")
	switch {
	case text == "" && os.Getenv("CI") == "true":
		return time.Minute
	case text == "":
		return 15 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("CHAOSTIME: %v: write a duration such as 10m", err)
	}
	return d
}

// chaosSeed is what all choices follow from: CHAOSSEED, or else the time.
func chaosSeed(t *testing.T) uint64 {
	t.Helper()
	text := os.Getenv("CHAOSSEED")
	if text == "" {
		return uint64(time.Now().UnixNano())
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("CHAOSSEED: %v: write a number, as a run has printed it", err)
	}
	return seed
}

// TestChaos: every two seconds something goes wrong. Meanwhile no request for what
// nobody touches fails, except for two seconds after nginx is killed; nothing is
// reached without its key; and five seconds after the last fault all is as the
// cluster says.
func TestChaos(t *testing.T) {
	t.Parallel()
	length, seed := chaosTime(t), chaosSeed(t)
	t.Logf("CHAOSTIME=%v CHAOSSEED=%d", length, seed)
	c := newChaos(t, seed)
	ctx, stop := context.WithCancel(c.ctx)
	var churning sync.WaitGroup
	churning.Go(func() { c.churn(ctx, rand.New(rand.NewPCG(seed, 2))) })
	faults := c.faults()
	began, since := time.Now(), c.clock()
	for n := 0; n == 0 || time.Since(began) < length && !t.Failed(); n++ {
		f, next := faults[c.random.IntN(len(faults))], time.Now().Add(2*time.Second)
		t.Logf("%s: %s", time.Now().UTC().Format("15:04:05.000"), f.name)
		end := f.begin()
		c.goesOn(time.Duration(200+c.random.IntN(1300)) * time.Millisecond)
		end()
		since = c.clock()
		if left := time.Until(next); left > 0 && time.Until(began.Add(length)) > left {
			c.goesOn(left)
		}
	}
	stop()
	churning.Wait()
	for wrong := c.wrong(); wrong != ""; wrong = c.wrong() {
		if since() > 5*time.Second {
			t.Fatalf("not in time: %s", wrong)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Logf("all as it should be %v after the last fault; %d requests", since(), c.answered.Load())
}

func newChaos(t *testing.T, seed uint64) *chaos {
	t.Helper()
	s, f := beginFragile(t)
	c := &chaos{fragile: f, gate: s.gate(f.second.config), account: s.account(), token: filepath.Join(t.TempDir(), "token"), random: rand.New(rand.NewPCG(seed, 1))}
	c.secret = c.account.name + "-first"
	s.must(os.WriteFile(c.token, []byte(c.account.token(c.secret)), 0o600))
	c.stage = s.stage(func() *dispatcher.Dispatcher {
		return s.dispatcherBy(func(cluster *clientcmdapi.Cluster, user *clientcmdapi.AuthInfo) {
			c.gate.through(cluster, user)
			user.Token, user.TokenFile = "", c.token
		})
	})
	for n := range 8 {
		at, name := c.open, fmt.Sprintf("open%d", n)
		if n%2 == 1 {
			at, name = c.closed, fmt.Sprintf("closed%d", n)
		}
		one := &slot{pod: &pod{at.server(name, 0), at}, changes: at == c.open}
		if at == c.closed {
			c.guard(at.host, one.path(0))
		}
		c.slots = append(c.slots, one)
	}
	for n := range 3 {
		c.lockers = append(c.lockers, c.newLocker(n))
	}
	return c
}

// churn lets Pods come and go, ten times a second, until ctx is done. What fails
// because of a fault is not tried again.
func (c *chaos) churn(ctx context.Context, random *rand.Rand) {
	tick := time.NewTicker(time.Second / 10)
	defer tick.Stop()
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		s := c.slots[random.IntN(len(c.slots))]
		pods := c.client.CoreV1().Pods(s.n.name)
		now := int64(0)
		switch what := random.IntN(14); {
		case what >= 10:
			c.lockers[random.IntN(len(c.lockers))].step(limited)
		case what < 3:
			_ = pods.Delete(limited, s.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		case what < 6:
			_, _ = pods.Create(limited, s.object(s.path(s.paths)), metav1.CreateOptions{})
			_ = c.setStatus(limited, s.n.name, s.Backend, corev1.PodRunning, true)
		case what < 8 && s.changes:
			s.paths++
			_, _ = pods.Patch(limited, s.Name, types.MergePatchType, metadata("annotations", pathsKey, s.pod.paths(s.path(s.paths))), metav1.PatchOptions{})
		default:
			_ = c.setStatus(limited, s.n.name, s.Backend, corev1.PodRunning, random.IntN(3) > 0)
		}
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// wrong names the first thing that is not as the cluster says, "" if all is.
func (c *chaos) wrong() string {
	for _, s := range c.slots {
		p, err := c.client.CoreV1().Pods(s.n.name).Get(c.ctx, s.Name, metav1.GetOptions{})
		ready := err == nil && len(p.Status.Conditions) > 0
		for i := range p.Status.Conditions {
			ready = ready && p.Status.Conditions[i].Status == corev1.ConditionTrue
		}
		for n := max(0, s.paths-3); n <= s.paths; n++ {
			want := ""
			if ready && p.Annotations[pathsKey] == s.pod.paths(s.path(n)) {
				want = s.Name
			}
			got := c.d.Try(s.n.host, s.path(n), key("constant"))
			if got.Pod != want || want == "" && got.Status != http.StatusNotFound {
				return fmt.Sprintf("%s%s is answered by %q, status %d, want Pod %q", s.n.host, s.path(n), got.Pod, got.Status, want)
			}
		}
	}
	for _, l := range c.lockers {
		if wrong := l.wrong(); wrong != "" {
			return wrong
		}
	}
	return ""
}
