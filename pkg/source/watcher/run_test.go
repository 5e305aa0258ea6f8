package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/klog/v2"
)

// server answers lists and watches of Pods, each by the next function of a script,
// the last one again and again, and notes what it is asked.
type server struct {
	mu    sync.Mutex
	lists []func() (runtime.Object, error)
	watch func() (watch.Interface, error)
	asked []string
	at    []time.Time
}

func (s *server) resource() Resource {
	return Resource{
		Kind:  Pods,
		Empty: &corev1.Pod{},
		List: func(_ context.Context, o metav1.ListOptions) (runtime.Object, error) {
			s.mu.Lock()
			s.asked, s.at = append(s.asked, fmt.Sprintf("list %q limit %d", o.ResourceVersion, o.Limit)), append(s.at, time.Now())
			answer := s.lists[0]
			if len(s.lists) > 1 {
				s.lists = s.lists[1:]
			}
			s.mu.Unlock()
			return answer() // it may take its time
		},
		Watch: func(_ context.Context, o metav1.ListOptions) (watch.Interface, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.asked = append(s.asked, fmt.Sprintf("watch %q", o.ResourceVersion))
			return s.watch()
		},
	}
}

func list(version string, pods ...string) func() (runtime.Object, error) {
	return func() (runtime.Object, error) {
		l := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: version}}
		for _, p := range pods {
			l.Items = append(l.Items, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: p, ResourceVersion: version}})
		}
		return l, nil
	}
}

func fails() (runtime.Object, error) { return nil, errors.New("away") }

// plain is a client that knows no list by watch.
type plain struct{}

func (plain) IsWatchListSemanticsUnSupported() bool { return true }

// follow runs a watcher of the server's Pods, and returns what is heard.
func (s *server) follow(t *testing.T) (events chan Event, ended chan struct{}, stop func()) {
	ctx, stop := context.WithCancel(klog.NewContext(t.Context(), klog.Logger{})) // nobody reads client-go's remarks
	events, ended = make(chan Event, 1000), make(chan struct{})
	quiet := &server{lists: []func() (runtime.Object, error){list("1")}, watch: func() (watch.Interface, error) { return watch.NewFake(), nil }}
	others := []Resource{quiet.resource(), quiet.resource()}
	others[0].Kind, others[0].Empty = Namespaces, &corev1.Namespace{}
	others[1].Kind, others[1].Empty = Secrets, &corev1.Secret{}
	go func() { defer close(ended); Run(ctx, plain{}, append(others, s.resource()), nil, events) }()
	return events, ended, stop
}

// The newest state is asked for, always; what comes is told once, what has gone by
// its name, and a version that is older than one before is as good as any.
func TestRunLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watches := make(chan *watch.FakeWatcher, 10)
		s := &server{
			lists: []func() (runtime.Object, error){list("9", "a", "b"), list("9", "a", "b"), list("10", "b"), list("3", "a", "b")},
			watch: func() (watch.Interface, error) { w := watch.NewFake(); watches <- w; return w, nil },
		}
		events, ended, stop := s.follow(t)
		hear := func(want ...string) {
			t.Helper()
			synctest.Wait()
			got := []string{}
			for len(events) > 0 {
				e := <-events
				word := "synced"
				if e.Object != nil {
					word = fmt.Sprintf("%s@%s %t", e.Object.GetName(), e.Object.GetResourceVersion(), e.Deleted)
				}
				got = append(got, word)
			}
			if !slices.Equal(got, want) {
				t.Errorf("heard %q, want %q", got, want)
			}
		}
		hear("a@9 false", "b@9 false", "synced")
		w := <-watches
		for _, want := range [][]string{{}, {"a@ true", "b@10 false"}, {"a@3 false", "b@3 false"}} {
			time.Sleep(time.Minute)
			w.Stop() // the connection is cut
			time.Sleep(time.Second)
			hear(want...)
			w = <-watches
		}
		time.Sleep(shortestWatch)
		w.Stop() // in peace
		w = <-watches
		w.Modify(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "a", ResourceVersion: "4"}})
		w.Delete(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "b", ResourceVersion: "5"}})
		hear("a@4 false", "b@5 true")
		want := []string{`list "" limit 0`, `watch "9"`, `list "" limit 0`, `watch "9"`, `list "" limit 0`, `watch "10"`, `list "" limit 0`, `watch "3"`, `watch "3"`}
		if !slices.Equal(s.asked, want) {
			t.Errorf("asked for %q, want %q", s.asked, want)
		}
		stop()
		<-ended
	})
}

// However long the API server was away, the next try comes within three seconds; and
// what it lets begin and ends at once is not begun again and again without a pause.
func TestRunPauses(t *testing.T) {
	cut := func() (watch.Interface, error) { w := watch.NewFake(); w.Stop(); return w, nil }
	forbidden := func() (watch.Interface, error) {
		return nil, apierrors.NewForbidden(corev1.Resource("pods"), "", errors.New("no"))
	}
	slow := func() (runtime.Object, error) { time.Sleep(time.Second); return list("1")() }
	for name, tc := range map[string]struct {
		list        func() (runtime.Object, error)
		watch       func() (watch.Interface, error)
		least, most time.Duration // between two lists, in the end
	}{
		"away":                    {fails, nil, longestPause, longestPause * 3 / 2},
		"watches are refused":     {list("1"), forbidden, longestPause, longestPause * 3 / 2},
		"watches are cut":         {list("1"), cut, shortestPause, shortestPause * 3 / 2},
		"long lists, watches cut": {slow, cut, 3 * time.Second, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{lists: []func() (runtime.Object, error){tc.list}, watch: tc.watch}
				_, ended, stop := s.follow(t)
				time.Sleep(10 * time.Minute)
				stop()
				<-ended
				time.Sleep(time.Minute) // a list may be under way still
				s.mu.Lock()
				defer s.mu.Unlock()
				for n := len(s.at) - 50; n < len(s.at); n++ {
					if pause := s.at[n].Sub(s.at[n-1]); pause < tc.least || pause > tc.most {
						t.Fatalf("%v between two lists, want %v to %v", pause, tc.least, tc.most)
					}
				}
			})
		})
	}
}
