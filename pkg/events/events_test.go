package events_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/events"
	"github.com/30x/dispatcher/pkg/route"
)

var (
	pod       = cluster.Ref{Kind: "Pod", Namespace: "shop", Name: "web"}
	namespace = cluster.Ref{Kind: "Namespace", Name: "shop"}
)

func problem(ref cluster.Ref, key, reason string) route.Problem {
	return route.Problem{Ref: ref, Key: key, Reason: reason}
}

// play runs a Recorder in fake time. set gives it Problems and lets it work; log is
// what it has logged.
func play(t *testing.T, client *fake.Clientset, scenario func(set func(...route.Problem), log *strings.Builder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &strings.Builder{}
		uid := func(ref cluster.Ref) string { return "uid-of-" + ref.Name }
		r := events.New(client.CoreV1(), uid, slog.New(slog.NewTextHandler(log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		scenario(func(problems ...route.Problem) {
			r.Set(controller.Report{Problems: problems})
			time.Sleep(time.Second)
			synctest.Wait()
		}, log)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// told lists the Events, and writes counts what was asked of the API.
func told(t *testing.T, client *fake.Clientset) (lines []string) {
	t.Helper()
	list, err := client.CoreV1().Events("").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list.Items {
		o := e.InvolvedObject
		lines = append(lines, fmt.Sprintf("%s: %s %s/%s/%s (%s) %s: %s", e.Namespace, e.Type, o.Kind, o.Namespace, o.Name, o.UID, e.Reason, e.Message))
	}
	slices.Sort(lines)
	return lines
}

func writes(client *fake.Clientset) int {
	return len(slices.DeleteFunc(client.Actions(), func(a clienttesting.Action) bool { return a.GetVerb() == "list" }))
}

// Each Problem has one Event on its object, which follows it, also from one run to
// the next, and says in the end that it is solved.
func TestEventsFollowProblems(t *testing.T) {
	client := fake.NewClientset()
	first, second := problem(pod, "paths[0].weight", "the entry is dropped: 0"), problem(namespace, `hosts["a"]`, "the host is dropped")
	want := func(lines ...string) {
		t.Helper()
		if got := told(t, client); !slices.Equal(got, lines) {
			t.Errorf("the Events are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
	}
	const onPod, onNamespace = "shop: Warning Pod/shop/web (uid-of-web) DispatcherProblem: paths[0].weight: the entry is dropped: 0",
		`shop: Warning Namespace/shop/shop (uid-of-shop) DispatcherProblem: hosts["a"]: the host is dropped`
	play(t, client, func(set func(...route.Problem), _ *strings.Builder) {
		set(first, second)
		want(onNamespace, onPod)
		n := writes(client)
		set(second, first)
		if writes(client) != n {
			t.Error("what is known is told again")
		}
		first.Reason = "the entry is dropped: -1"
		set(first, second)
		want(onNamespace, strings.Replace(onPod, ": 0", ": -1", 1))
	})
	play(t, client, func(set func(...route.Problem), _ *strings.Builder) {
		set(first, second)
		want(onNamespace, strings.Replace(onPod, ": 0", ": -1", 1))
		set(first)
		want("shop: Normal Namespace/shop/shop (uid-of-shop) DispatcherSolved: hosts[\"a\"]: the problem is solved", strings.Replace(onPod, ": 0", ": -1", 1))
	})
}

// An Event that lasts is told again before the API server forgets it.
func TestEventsAreRefreshed(t *testing.T) {
	client := fake.NewClientset()
	play(t, client, func(set func(...route.Problem), _ *strings.Builder) {
		p := problem(pod, "paths", "none")
		set(p)
		list, err := client.CoreV1().Events("shop").List(t.Context(), metav1.ListOptions{})
		if err != nil || len(list.Items) != 1 {
			t.Fatal(err, list)
		}
		if err := client.CoreV1().Events("shop").Delete(t.Context(), list.Items[0].Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(told(t, client)) != 1 {
			t.Error("the Event has not come back")
		}
		set()
		n := writes(client)
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		if writes(client) != n {
			t.Error("a solved Problem is told again")
		}
	})
}

// Without permission nothing is lost but Events, and the log says what to do, once
// a while; what one object can cause is limited.
func TestEventsForbidden(t *testing.T) {
	client := fake.NewClientset()
	client.PrependReactor("*", "events", func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(corev1.Resource("events"), "", nil)
	})
	play(t, client, func(set func(...route.Problem), log *strings.Builder) {
		var many []route.Problem
		for i := range 1000 {
			many = append(many, problem(pod, fmt.Sprintf("paths[%d]", i), "bad"))
		}
		set(many...)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "an Event can't be written"); n == 0 || n > 20 || !strings.Contains(log.String(), "create and patch events") {
			t.Errorf("told %d times: %.500s", n, log)
		}
		if n := writes(client); n > 20*6 {
			t.Errorf("%d requests", n)
		}
	})
}

// A long message is cut where the API would refuse it.
func TestEventsAreShort(t *testing.T) {
	client := fake.NewClientset()
	play(t, client, func(set func(...route.Problem), _ *strings.Builder) {
		set(problem(pod, "paths", strings.Repeat("é", 2000)))
		if lines := told(t, client); len(lines) != 1 || !strings.HasSuffix(lines[0], "é…") || len(lines[0]) > 1024+100 {
			t.Errorf("%d bytes: %.100q", len(lines[0]), lines)
		}
	})
}
