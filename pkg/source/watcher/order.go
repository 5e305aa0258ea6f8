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
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// How long objects wait: see Kind.
const (
	// grace is how long new states of Pods and EndpointSlices wait for others. Then
	// those pass that claim what one of their Namespace has claimed before: they come
	// and go, and traffic must follow them.
	grace = 3 * time.Second
	// moment is how long the deletion of a Secret waits at least: a watch that goes on
	// has no mark that says how far it is.
	moment = 500 * time.Millisecond
)

// note is what a watcher tells.
type note struct {
	kind   Kind
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
	kind Kind
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
	streams map[Kind]*stream
	synced  bool
	waiting map[ref]waits
	due     time.Time            // when the timer rings; zero: not at all
	uids    map[string]types.UID // of Namespaces
	claims  []string             // annotations of Pods
	claimed map[ref]claim        // by Pods and EndpointSlices that have passed
	known   map[claim]bool       // what was claimed when Secrets and Services were last complete
}

// claim is what a Pod wants to serve, or the Service of an EndpointSlice.
type claim struct {
	namespace string
	hash      [sha256.Size224]byte
}

// claim gives what the object claims; ok is false if it is of a kind that claims nothing.
func (o *order) claim(object metav1.Object) (c claim, ok bool) {
	h := sha256.New224()
	switch object := object.(type) {
	case *corev1.Pod:
		annotations, keys := object.Annotations, o.claims
		if keys == nil {
			keys = slices.Sorted(maps.Keys(annotations))
		}
		for _, key := range keys {
			value, set := annotations[key]
			fmt.Fprintf(h, "%q %t %q ", key, set, value)
		}
	case *discoveryv1.EndpointSlice:
		fmt.Fprintf(h, "service %q", object.Labels[discoveryv1.LabelServiceName])
	default:
		return c, false
	}
	return claim{object.GetNamespace(), [sha256.Size224]byte(h.Sum(nil))}, true
}

// stream is how far a kind of objects is.
type stream struct {
	watcher  *watcher
	complete bool
	since    time.Time // when it became so, or ceased to be
}

func newOrder(claims []string, events chan<- Event) *order {
	return &order{
		events: events, notes: make(chan note), streams: map[Kind]*stream{}, waiting: map[ref]waits{},
		uids: map[string]types.UID{}, claims: claims, claimed: map[ref]claim{},
	}
}

func (o *order) add(w *watcher) { o.streams[w.Kind] = &stream{watcher: w} }

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
		if s.complete && n.kind.closes() {
			if all, _ := o.complete(closing()); all {
				o.known = map[claim]bool{}
			}
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
	if n.kind == Namespaces && o.uids[r.Name] != n.object.GetUID() {
		// It is another one than that whose Pods are known.
		maps.DeleteFunc(o.known, func(c claim, _ bool) bool { return c.namespace == r.Name })
	}
	return wait
}

// completed notes that a kind of objects is complete. If others are not, they should
// try again at once: the API server answers.
func (o *order) completed(ctx context.Context, k Kind) {
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
	switch {
	case !o.synced:
		return 0 // nothing is served by what has been told so far
	case w.kind == Secrets && w.what == deleted:
		since := w.since
		for k, s := range o.streams {
			switch {
			case len(k.needs()) == 0:
			case !s.complete:
				return forEver
			case s.since.After(since):
				since = s.since
			}
		}
		return max(0, moment-time.Since(since))
	case w.what == deleted && w.kind != IngressClasses,
		w.kind == Pods && w.object.GetDeletionTimestamp() != nil:
		return 0
	}
	all, since := o.complete(w.kind.needs())
	if all {
		return 0
	}
	if c, ok := o.claim(w.object); ok && o.known[c] {
		return max(0, grace-time.Since(since))
	}
	return forEver
}

// complete reports whether all of these kinds that are watched are, and else since when
// the first is not.
func (o *order) complete(kinds []Kind) (all bool, since time.Time) {
	all = true
	for _, k := range kinds {
		if s := o.streams[k]; s != nil && !s.complete {
			if all || s.since.Before(since) {
				since = s.since
			}
			all = false
		}
	}
	return all, since
}

// pass makes a note an Event.
func (o *order) pass(ctx context.Context, n note) {
	at := ref{n.kind, cache.MetaObjectToName(n.object)}
	c, claims := o.claim(n.object)
	switch gone := n.what == deleted; {
	case claims && gone:
		delete(o.claimed, at)
	case claims:
		o.claimed[at] = c
	case n.kind == Namespaces && gone:
		delete(o.uids, at.Name)
	case n.kind == Namespaces:
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
