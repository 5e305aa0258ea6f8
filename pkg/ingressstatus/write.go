package ingressstatus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/client-go/util/workqueue"

	"github.com/30x/dispatcher/pkg/cluster"
)

const (
	// rate and burst limit how many Ingresses are read and written, a second.
	rate, burst = 5, 20
	// refresh is how often all Ingresses are looked at: others may have changed what
	// they say.
	refresh = 10 * time.Minute
	// lookRate and lookBurst limit that where addresses come and go, a second.
	lookRate, lookBurst = 0.1, 2
	// A failure is tried again after firstRetry, then after twice as long each time, up
	// to lastRetry.
	firstRetry, lastRetry = 500 * time.Millisecond, time.Minute
	// tries is how often one Ingress is tried before it waits for the next refresh.
	tries = 6
)

// queue holds the Ingresses whose status may have to change.
type queue = workqueue.TypedRateLimitingInterface[cluster.Ref]

// lead writes until ctx is done, as the only replica.
func (w *Writer) lead(ctx context.Context) {
	w.log.Info("this replica writes the status of Ingresses", "lease", w.options.Namespace+"/"+LeaseName(w.options.Class))
	q := workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[cluster.Ref](firstRetry, lastRetry))
	stop := context.AfterFunc(ctx, q.ShutDown)
	defer stop()
	var following sync.WaitGroup
	following.Go(func() { w.follow(ctx, q) })
	defer following.Wait()
	limit := flowcontrol.NewTokenBucketRateLimiter(rate, burst)
	for {
		ref, done := q.Get()
		if done {
			return
		}
		if limit.Wait(ctx) == nil {
			w.settle(q, ref, w.write(ctx, ref))
		}
		q.Done(ref)
	}
}

// follow queues what may have to change: some Ingresses when they become ours or no
// longer are, and all at the beginning, when addresses change, and once in a while.
func (w *Writer) follow(ctx context.Context, q queue) {
	var last *wanted // that was followed; nil: all must be looked at
	looks := flowcontrol.NewTokenBucketRateLimiter(lookRate, lookBurst)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			last = nil
		case <-w.changed:
		}
		now := w.wanted.Load()
		if now == nil {
			continue // the first Report will tell
		}
		if len(now.status) == 0 {
			w.say("no address is known at which Ingresses are reached; their status stays as it is",
				"correct PUBLISH_SERVICE, or see why that Service has no address", "service", w.options.Service)
		}
		if last != nil && slices.Equal(last.addresses, now.addresses) {
			compare(last, now, q)
			last = now
			continue
		}
		if looks.Wait(ctx) != nil {
			return
		}
		if now = w.wanted.Load(); w.look(ctx, now, q) == nil {
			last = now
			timer.Reset(refresh)
		} else {
			timer.Reset(lastRetry)
		}
	}
}

// compare queues the Ingresses that are ours in one of the two only, or not the same.
func compare(last, now *wanted, q queue) {
	for _, i := range now.ingresses {
		if !same(last.ours[i.Ref], i) {
			q.Add(i.Ref)
		}
	}
	for _, i := range last.ingresses {
		if now.ours[i.Ref] == nil {
			q.Add(i.Ref)
		}
	}
}

// look queues all Ingresses whose status isn't what it should be.
func (w *Writer) look(ctx context.Context, now *wanted, q queue) error {
	pages := pager.New(func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
		return w.client.NetworkingV1().Ingresses("").List(ctx, o)
	})
	err := pages.EachListItem(ctx, metav1.ListOptions{}, func(o runtime.Object) error {
		if ingress, ok := o.(*networkingv1.Ingress); ok {
			if ref, _, differs := now.judge(ingress, w.manager); differs {
				q.Add(ref)
			}
		}
		return nil
	})
	if err != nil && ctx.Err() == nil {
		w.say("the status of Ingresses can't be read", advice(err), "reason", err)
	}
	return err
}

// write makes the status of an Ingress what it should be, if it isn't.
func (w *Writer) write(ctx context.Context, ref cluster.Ref) error {
	ingresses := w.client.NetworkingV1().Ingresses(ref.Namespace)
	o, err := ingresses.Get(ctx, ref.Name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read %s: %w", ref, err)
	}
	_, should, differs := w.wanted.Load().judge(o, w.manager)
	if !differs {
		return nil
	}
	// What was read has a resourceVersion: if it isn't the newest any more, this fails.
	o.Status.LoadBalancer.Ingress = should
	if _, err := ingresses.UpdateStatus(ctx, o, metav1.UpdateOptions{FieldManager: w.manager}); err != nil {
		return fmt.Errorf("write the status of %s: %w", ref, err)
	}
	w.log.Debug("the status of an Ingress is written", "object", ref.String(), "addresses", len(should))
	return nil
}

// settle decides what becomes of an Ingress after it was written, or was not.
func (w *Writer) settle(q queue, ref cluster.Ref, err error) {
	switch {
	case err == nil, apierrors.IsNotFound(err):
		q.Forget(ref)
	case !hopeless(err) && q.NumRequeues(ref) < tries-1:
		q.AddRateLimited(ref)
	default: // the next look finds it again
		q.Forget(ref)
		w.say("the status of Ingresses can't be written", advice(err), "reason", err)
	}
}

// hopeless reports whether trying again soon is of no use.
func hopeless(err error) bool { return apierrors.IsForbidden(err) || apierrors.IsInvalid(err) }

func advice(err error) string {
	switch {
	case apierrors.IsForbidden(err):
		return "allow Dispatcher's account to get and list ingresses and to update ingresses/status (networking.k8s.io), as deploy/base does, or set STATUS=false"
	case apierrors.IsInvalid(err):
		return "correct PUBLISH_ADDRESS"
	}
	return "see what else is told of the API server; it is tried again"
}
