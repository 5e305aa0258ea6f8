package source

import (
	"context"
	"log/slog"
	"net"
	"os"
	"reflect"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

var routable = labels.SelectorFromSet(labels.Set{"routable": "true"})

// narrow is the scope of the dialect dispatcher alone.
var narrow = Scope{Namespaces: routable, Pods: routable, Secret: "routing"}

func pod(name, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, ResourceVersion: version,
		Labels: map[string]string{"routable": "true"}}}
}

func namespace(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"routable": "true"}}}
}

// Against client-go's fake: additions, changes and deletions (DF1, DF28).
func TestKubeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(namespace("team"), pod("a", "1"))
		var log logs
		r := start(t, NewKube(client, narrow, log.logger()).Run)
		got := []string{show(<-r.events), show(<-r.events)} // two informers, in any order
		if !reflect.DeepEqual(got, []string{"+Namespace//team", "+Pod/team/a"}) && !reflect.DeepEqual(got, []string{"+Pod/team/a", "+Namespace//team"}) {
			t.Errorf("got %q", got)
		}
		r.next("synced")
		core, ctx := client.CoreV1(), t.Context()
		must := func(_ any, err error) {
			if err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait() // until the watches stand: the fake knows no resource versions
		must(core.Pods("team").Create(ctx, pod("b", "2"), metav1.CreateOptions{}))
		r.next("+Pod/team/b")
		must(core.Pods("team").Update(ctx, pod("b", "3"), metav1.UpdateOptions{}))
		r.next("+Pod/team/b")
		must(nil, core.Pods("team").Delete(ctx, "a", metav1.DeleteOptions{}))
		r.next("-Pod/team/a")
		must(nil, core.Namespaces().Delete(ctx, "team", metav1.DeleteOptions{}))
		r.next("-Namespace//team")
		r.end()

		// DX17: nothing else is read, and all is selected by the server.
		for _, a := range client.Actions() {
			var by string
			switch a := a.(type) {
			case ktesting.ListAction:
				by = a.GetListRestrictions().Labels.String() + "/" + a.GetListRestrictions().Fields.String()
			case ktesting.WatchAction:
				by = a.GetWatchRestrictions().Labels.String() + "/" + a.GetWatchRestrictions().Fields.String()
			default:
				continue
			}
			res := a.GetResource().Resource
			if want := map[string]string{"pods": "routable=true/", "namespaces": "routable=true/", "secrets": "/metadata.name=routing"}[res]; by != want {
				t.Errorf("%s %s by %q, want %q", a.GetVerb(), res, by, want)
			}
		}
	})
}

// DX18: while the API is down, Run goes on trying, says so once a minute at
// most, and ends at once when it is told to.
func TestKubeRunAPIDownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset(namespace("team"))
		begin := time.Now()
		tries := 0
		client.PrependReactor("list", "*", func(ktesting.Action) (bool, runtime.Object, error) {
			tries++
			if down := time.Since(begin) < 10*time.Minute; down {
				return true, nil, &timeoutError{}
			}
			return false, nil, nil
		})
		var log logs
		r := start(t, NewKube(client, narrow, log.logger()).Run)
		select {
		case e := <-r.events:
			if d := time.Since(begin); show(e) != "+Namespace//team" || d < 10*time.Minute || d > 10*time.Minute+3*time.Second {
				t.Errorf("%s after %v", show(e), d)
			}
		case <-time.After(time.Hour):
			t.Fatal("no Event")
		}
		r.next("synced")
		// Each of three kinds waits between two and three seconds.
		if tries < 600 || tries > 920 {
			t.Errorf("%d tries in ten minutes", tries)
		}
		if n := log.count("can't be reached"); n < 5 || n > 10 {
			t.Errorf("%d complaints in ten minutes", n)
		}
		if n := log.count("works again"); n != 1 {
			t.Errorf("%d times good again", n)
		}
		before := time.Now()
		r.end()
		if d := time.Since(before); d > time.Second {
			t.Errorf("Run took %v to end", d)
		}
	})
}

type timeoutError struct{}

func (*timeoutError) Error() string { return "dial tcp 192.0.2.1:6443: i/o timeout" }

// client-go's list by watch, when refused, waits up to a minute and is deaf to
// the end of Run. The fake alone would rule out lists by watch.
func TestKubeRunEndsWhileServerIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fake.NewClientset()
		refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		client.PrependWatchReactor("*", func(ktesting.Action) (bool, watch.Interface, error) { return true, nil, refused })
		client.PrependReactor("list", "*", func(ktesting.Action) (bool, runtime.Object, error) { return true, nil, refused })
		var log logs
		r := start(t, NewKube(struct{ kubernetes.Interface }{client}, narrow, log.logger()).Run)
		time.Sleep(10*time.Minute + time.Second)
		before := time.Now()
		r.end()
		if d := time.Since(before); d > time.Second {
			t.Errorf("Run took %v to end", d)
		}
		if n := log.count("can't be reached"); n < 8 || n > 11 {
			t.Errorf("%d complaints in ten minutes", n)
		}
	})
}

// Nobody takes the Events any more: Run ends all the same.
func TestKubeRunEndsWithAFullChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- NewKube(fake.NewClientset(pod("a", "1")), narrow, slog.New(slog.DiscardHandler)).Run(ctx, make(chan Event))
		}()
		synctest.Wait()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
