// Package events tells the owners of objects in the cluster what is wrong with
// them. Reports of the controller enter; Kubernetes Events leave, one for each
// object and place in it, which says what is true now. It never reads an object,
// never deletes an Event, and never holds up a turn.
package events

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/workqueue"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/route/value"
)

const (
	// rate and burst limit what all Events together ask of the API, a second.
	rate, burst = 5, 50
	// refresh is how often an Event is told again while its Problem lasts: the API
	// server forgets Events after an hour.
	refresh = 40 * time.Minute
	// tries is how often one Event is tried before it waits for its refresh.
	tries = 5
	// maxMessage is the limit of the Kubernetes API, in bytes.
	maxMessage = 1024

	reasonProblem = "DispatcherProblem"
	reasonSolved  = "DispatcherSolved"
)

// place is what one Event is about.
type place struct {
	ref cluster.Ref
	key string
}

// Recorder writes Events. Set may be called at any time, Run once.
type Recorder struct {
	client typedcorev1.EventsGetter
	uid    func(cluster.Ref) string
	log    *slog.Logger
	queue  workqueue.TypedRateLimitingInterface[place]
	wanted state
	open   map[place]bool // that have an Event which says what is wrong; Run's alone
}

// New makes a Recorder. uid gives the UID of an object, "" if it is not known:
// without it "kubectl describe" does not find the Event.
func New(client typedcorev1.EventsGetter, uid func(cluster.Ref) string, log *slog.Logger) *Recorder {
	return &Recorder{
		client: client, uid: uid, log: log, open: map[place]bool{},
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[place](time.Second, time.Minute)),
	}
}

// Set takes in the newest Report.
func (r *Recorder) Set(report controller.Report) {
	for _, changed := range r.wanted.replace(report.Problems) {
		r.queue.Forget(changed)
		r.queue.Add(changed)
	}
}

// Run writes Events until ctx is done.
func (r *Recorder) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, r.queue.ShutDown)
	defer stop()
	limit := flowcontrol.NewTokenBucketRateLimiter(rate, burst)
	for {
		p, done := r.queue.Get()
		if done {
			return nil
		}
		if limit.Wait(ctx) == nil {
			r.write(ctx, p)
		}
		r.queue.Done(p)
	}
}

// write makes the Event of a place say what is true now, or tries again later.
func (r *Recorder) write(ctx context.Context, p place) {
	reason, lasts := r.wanted.reason(p)
	if !lasts && !r.open[p] {
		return // it was solved before anybody was told, or has been told
	}
	err := r.tell(ctx, p, reason, lasts)
	switch {
	case err == nil && lasts:
		r.open[p] = true
		r.queue.Forget(p)
		r.queue.AddAfter(p, refresh)
	case err == nil, ctx.Err() != nil, gone(err):
		delete(r.open, p)
		r.queue.Forget(p)
	case r.queue.NumRequeues(p) < tries:
		r.queue.AddRateLimited(p)
	default:
		r.queue.Forget(p)
		r.log.Warn("an Event can't be written", "object", p.ref.String(), "reason", err, "todo", "allow Dispatcher's account to create and patch events, as deploy/base does")
		r.queue.AddAfter(p, refresh)
	}
}

// gone reports whether the object's Namespace is away, or just going.
func gone(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
}

// tell writes one Event. All Dispatchers of a cluster write the same one, and the
// next run goes on with it.
func (r *Recorder) tell(ctx context.Context, p place, reason string, lasts bool) error {
	now := metav1.NewTime(time.Now())
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: "dispatcher." + value.Hash(p.ref.String(), p.key), Namespace: p.ref.Namespace},
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: p.ref.Kind, Namespace: p.ref.Namespace, Name: p.ref.Name, UID: types.UID(r.uid(p.ref))},
		Source:         corev1.EventSource{Component: "dispatcher"},
		Type:           corev1.EventTypeWarning,
		Reason:         reasonProblem,
		Message:        shorten(p.key + ": " + reason),
		FirstTimestamp: now,
		LastTimestamp:  now,
		Count:          1,
	}
	if p.ref.Namespace == "" { // a Namespace: its owner looks for Events inside it
		event.Namespace, event.InvolvedObject.Namespace = p.ref.Name, p.ref.Name
	}
	if !lasts {
		event.Type, event.Reason, event.Message = corev1.EventTypeNormal, reasonSolved, shorten(p.key+": the problem is solved")
	}
	patch, err := json.Marshal(map[string]any{
		"type": event.Type, "reason": event.Reason, "message": event.Message, "lastTimestamp": now,
		"involvedObject": map[string]any{"uid": event.InvolvedObject.UID},
	})
	if err != nil {
		return err
	}
	events := r.client.Events(event.Namespace)
	_, err = events.Patch(ctx, event.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if lasts && apierrors.IsNotFound(err) {
		_, err = events.Create(ctx, event, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("write Event %s/%s: %w", event.Namespace, event.Name, err)
	}
	return nil
}

func shorten(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage-len("…")], "") + "…"
}
