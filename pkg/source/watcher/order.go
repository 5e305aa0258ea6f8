package watcher

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// A Secret closes what its Namespace's Pods serve; without one it is open. Each kind
// of objects comes on a stream of its own, and after an outage, or while one stream
// is refused, they are not of one time. So what may open something waits for the
// others: a new state of a Namespace or a Pod for the Secrets, and the deletion of a
// Secret for Namespaces and Pods. The new state of a Secret, and what is deleted or
// terminates otherwise, never waits.
const (
	// grace is how long new states of Pods wait for Secrets. Then those pass that
	// claim what a Pod of their Namespace has claimed before: Pods come and go, and
	// traffic must follow them.
	grace = 3 * time.Second
	// moment is how long the deletion of a Secret waits at least: a watch that goes on
	// has no mark that says how far it is.
	moment = 500 * time.Millisecond
)

type kind int

// The order is the one in which objects that have waited leave.
const (
	namespaces kind = iota
	pods
	secrets
)

func kindOf(o metav1.Object) kind {
	switch o.(type) {
	case *corev1.Namespace:
		return namespaces
	case *corev1.Pod:
		return pods
	}
	return secrets
}

// note is what a watcher tells.
type note struct {
	kind   kind
	what   what
	object metav1.Object
}

type what int

const (
	newState what = iota
	deleted
	complete // all that exists has been told, or will be in a moment
	lost     // nothing more is told for now
)

// ref names an object.
type ref struct {
	kind kind
	cache.ObjectName
}

// waits is an object's last note, which must wait.
type waits struct {
	note
	since time.Time
}

// order lets notes pass as Events.
type order struct {
	events  chan<- Event
	notes   chan note
	streams map[kind]*stream
	synced  bool
	waiting map[ref]waits
	due     time.Time                  // when the timer rings; zero: not at all
	uids    map[string]types.UID       // of Namespaces
	claims  []string                   // annotations of Pods
	claimed map[cache.ObjectName]claim // by Pods that have passed
	known   map[claim]bool             // what was claimed when Secrets were last complete
}

// claim is what a Pod wants to serve.
type claim struct {
	namespace string
	hash      [sha256.Size224]byte
}

func (o *order) claim(pod metav1.Object) claim {
	h, annotations := sha256.New224(), pod.GetAnnotations()
	keys := o.claims
	if keys == nil {
		keys = slices.Sorted(maps.Keys(annotations))
	}
	for _, key := range keys {
		value, set := annotations[key]
		fmt.Fprintf(h, "%q %t %q ", key, set, value)
	}
	return claim{pod.GetNamespace(), [sha256.Size224]byte(h.Sum(nil))}
}

// stream is how far a kind of objects is.
type stream struct {
	watcher  *watcher
	complete bool
	since    time.Time // when it became so, or ceased to be
}

func newOrder(claims []string, events chan<- Event) *order {
	return &order{
		events: events, notes: make(chan note), streams: map[kind]*stream{}, waiting: map[ref]waits{},
		uids: map[string]types.UID{}, claims: claims, claimed: map[cache.ObjectName]claim{},
	}
}

func (o *order) add(w *watcher) { o.streams[w.kind] = &stream{watcher: w} }

// run works until ctx is done.
func (o *order) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var next time.Duration
		select {
		case n := <-o.notes:
			next = o.take(ctx, n)
		case <-timer.C:
			o.due, next = time.Time{}, o.release(ctx)
		case <-ctx.Done():
			return
		}
		if at := time.Now().Add(next); next < forEver && (o.due.IsZero() || at.Before(o.due)) {
			o.due = at
			timer.Reset(next)
		}
	}
}

// take lets what a watcher tells pass, or wait. It returns how long to wait before
// release has something to do.
func (o *order) take(ctx context.Context, n note) time.Duration {
	switch n.what {
	case complete:
		o.completed(ctx, n.kind)
		return o.release(ctx)
	case lost:
		s := o.streams[n.kind]
		if s.complete && n.kind == secrets {
			o.known = map[claim]bool{}
			for _, c := range o.claimed {
				o.known[c] = true
			}
		}
		if s.complete {
			s.complete, s.since = false, time.Now()
		}
		return forEver
	}
	r := ref{n.kind, cache.MetaObjectToName(n.object)}
	w := waits{n, time.Now()}
	wait := o.wait(w)
	if wait == 0 {
		delete(o.waiting, r)
		o.pass(ctx, n)
		return forEver
	}
	o.waiting[r] = w
	if n.kind == namespaces && o.uids[r.Name] != n.object.GetUID() {
		// It is another one than that whose Pods are known.
		maps.DeleteFunc(o.known, func(c claim, _ bool) bool { return c.namespace == r.Name })
	}
	return wait
}

// completed notes that a kind of objects is complete. If others are not, they should
// try again at once: the API server answers.
func (o *order) completed(ctx context.Context, k kind) {
	if s := o.streams[k]; !s.complete {
		s.complete, s.since = true, time.Now()
	}
	all := true
	for _, s := range o.streams {
		if !s.complete {
			all = false
			select {
			case s.watcher.wake <- struct{}{}:
			default:
			}
		}
	}
	if all && !o.synced {
		o.synced = true
		o.send(ctx, Event{Synced: true})
	}
}

// release lets those pass that have waited long enough, and returns how long the
// others wait at least.
func (o *order) release(ctx context.Context) time.Duration {
	next := forEver
	byKind := func(a, b ref) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	}
	for _, r := range slices.SortedFunc(maps.Keys(o.waiting), byKind) {
		w := o.waiting[r]
		wait := o.wait(w)
		if wait > 0 {
			next = min(next, wait)
			continue
		}
		delete(o.waiting, r)
		o.pass(ctx, w.note)
	}
	return next
}

// forEver is until something else happens.
const forEver = time.Duration(math.MaxInt64)

// wait is how long a note has still to wait; 0: not at all.
func (o *order) wait(w waits) time.Duration {
	s := o.streams[secrets]
	switch {
	case !o.synced:
		return 0 // nothing is served by what has been told so far
	case w.kind == secrets && w.what == deleted:
		since := w.since
		for _, s := range o.streams {
			if s.watcher.kind != secrets && !s.complete {
				return forEver
			}
			if s.watcher.kind != secrets && s.since.After(since) {
				since = s.since
			}
		}
		return max(0, moment-time.Since(since))
	case w.kind == secrets, w.what == deleted, s.complete:
		return 0
	case w.kind == pods && w.object.GetDeletionTimestamp() != nil:
		return 0
	case w.kind == pods && o.known[o.claim(w.object)]:
		return max(0, grace-time.Since(s.since))
	}
	return forEver
}

// pass makes a note an Event.
func (o *order) pass(ctx context.Context, n note) {
	at := cache.MetaObjectToName(n.object)
	switch gone := n.what == deleted; {
	case n.kind == pods && gone:
		delete(o.claimed, at)
	case n.kind == pods:
		o.claimed[at] = o.claim(n.object)
	case n.kind == namespaces && gone:
		delete(o.uids, at.Name)
	case n.kind == namespaces:
		o.uids[at.Name] = n.object.GetUID()
	}
	o.send(ctx, Event{Object: n.object, Deleted: n.what == deleted})
}

func (o *order) send(ctx context.Context, e Event) {
	select {
	case o.events <- e:
	case <-ctx.Done():
	}
}
