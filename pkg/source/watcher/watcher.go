// Package watcher watches the objects of a cluster, each kind by itself. What an API
// server lists and then tells enters; the new state of each object, cut to what may
// matter for routing, and its deletion leave as Events, in an order in which nothing
// is open for a moment that is closed before and after. It never gives up, never
// takes a state that may be older than one it has seen, and never keeps an object
// longer than it must wait: in a large cluster they would take up most of the memory.
package watcher

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// Event is one thing that happened to an object, or the note that everything
// that exists has been delivered. Receivers must not change the Object.
type Event struct {
	Object  metav1.Object // *corev1.Namespace, *corev1.Pod, …; nil with Synced
	Deleted bool          // of an object whose deletion was missed only kind and name are known
	Synced  bool          // all objects that existed at the start have been sent
}

// Object is a *corev1.Pod, for example.
type Object interface {
	metav1.Object
	runtime.Object
	Marshal() ([]byte, error)
	Unmarshal(text []byte) error
}

// Resource is a kind of objects. Its functions ask for the right ones, and tell of
// failures.
type Resource struct {
	Kind  Kind   // each of another one
	Empty Object // of the kind
	Whole bool   // nothing is cut off; List gives them unpacked
	List  func(context.Context, metav1.ListOptions) (runtime.Object, error)
	Watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// The pauses between tries, each stretched by a random factor of up to one and a
// half. client-go's own grow to a minute and stay long for two minutes after all is
// well; by then a change should have been live long ago. A try that is refused costs
// an API server next to nothing. What has worked is not done again before twice the
// time has gone by that it took.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 2 * time.Second
)

func pauses() *wait.Backoff {
	return &wait.Backoff{Duration: shortestPause, Cap: longestPause, Factor: 2, Jitter: 0.5, Steps: 10}
}

// Run sends what exists, a Synced, and then every change, until ctx is done; then it
// ends all it has started. client is asked whether it can list by watch. claims are
// the annotations by which Pods ask to be served; nil is any annotation.
func Run(ctx context.Context, client any, resources []Resource, claims []string, events chan<- Event) {
	o := newOrder(claims, events)
	var watchers sync.WaitGroup
	defer watchers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, r := range resources {
		w := &watcher{Resource: r, notes: o.notes, wake: make(chan struct{}, 1)}
		o.add(w)
		watchers.Go(func() { w.run(ctx, client) })
	}
	o.run(ctx)
}

// watcher watches one kind of objects.
type watcher struct {
	Resource
	notes   chan<- note
	wake    chan struct{} // the API server has answered somebody else
	listed  atomic.Bool   // there is a list, and no watch yet that goes on from it
	watched time.Time     // when the last watch began
	synced  time.Time     // when the last list was complete
}

// run is client-go's Reflector with pauses of our own.
func (w *watcher) run(ctx context.Context, client any) {
	tell := func(n note) {
		n.kind = w.Kind
		select {
		case w.notes <- n:
		case <-ctx.Done():
		}
	}
	lw := cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{ListWithContextFunc: w.list, WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		return w.watch(ctx, o, tell)
	}}, client)
	reflector := cache.NewReflectorWithOptions(lw, w.Empty, &store{w: w, tell: tell, versions: map[cache.ObjectName]string{}}, cache.ReflectorOptions{Backoff: pauses()})
	for pause := pauses(); ; {
		began := time.Now()
		// Every failure has passed through List or Watch, which have told of it.
		_ = reflector.ListAndWatchWithContext(ctx)
		if ctx.Err() != nil {
			return
		}
		listed, watched := !w.synced.Before(began), !w.watched.Before(began)
		if listed && watched {
			pause = pauses()
			pause.Duration = min(max(2*w.synced.Sub(began), shortestPause), longestPause)
		}
		tell(note{what: lost})
		wake := w.wake
		if listed {
			wake = nil // or else two that are cut would wake each other
		}
		select {
		case <-time.After(pause.Step()):
		case <-wake:
		case <-ctx.Done():
			return
		}
	}
}

// list asks for the newest state, whatever client-go says. At the start that would be
// any version: an API server that has lost its etcd would answer from its memory,
// without the Secret that has been made since. And later it would be one that is no
// older than the last: from an etcd that was restored from a backup it would not come
// for a long time. An API server has the newest state in its memory, but no pages.
func (w *watcher) list(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	if o.Continue == "" {
		o.ResourceVersion, o.ResourceVersionMatch, o.Limit = "", "", 0
	}
	l, err := w.List(ctx, o)
	w.listed.Store(err == nil)
	return l, err
}

// shortestWatch is the least time after which an API server ends a watch as asked.
const shortestWatch = 5 * time.Minute

var errListAnew = apierrors.NewResourceExpired("only a list tells when it is complete")

// watch goes on from where a watch was only if that one has ended in peace. One that
// was cut may have missed something, and nothing tells when that has come. Secrets
// take no chances.
func (w *watcher) watch(ctx context.Context, o metav1.ListOptions, tell func(note)) (watch.Interface, error) {
	list := o.SendInitialEvents != nil
	goesOn := w.listed.Swap(false)
	again := !list && !goesOn
	switch {
	case list:
		o.ResourceVersion = ""
	case again && (w.Kind == Secrets || time.Since(w.watched) < shortestWatch):
		return nil, errListAnew
	case again:
		tell(note{what: lost})
	}
	begun, err := w.Watch(ctx, o)
	if err != nil {
		// After some errors client-go tries to go on from where it was; or it waits,
		// deaf to ctx. So their types are hidden.
		return nil, errors.New(err.Error())
	}
	w.watched = time.Now()
	if again {
		tell(note{what: complete}) // what was missed comes at once
	}
	return begun, nil
}
