package ingressstatus

import (
	"context"
	"errors"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
)

// LeaseName is the name of the Lease, which the account needs rights for.
func LeaseName(class string) string { return "ingress-status-" + class }

// stand waits until this replica is elected, and writes until it is no more.
func (w *Writer) stand(ctx context.Context) error {
	// The Lease is released only after the last write, so the election has a context
	// of its own, which says nothing to the log: we say what matters.
	election, resign := context.WithCancel(klog.NewContext(context.WithoutCancel(ctx), klog.Logger{}))
	defer resign()
	var writing sync.Mutex
	stop := context.AfterFunc(ctx, func() {
		writing.Lock()
		defer writing.Unlock()
		resign()
	})
	defer stop()
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock{w, &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: w.options.Namespace, Name: LeaseName(w.options.Class)},
			Client:     w.client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: w.options.Identity},
		}},
		LeaseDuration:   w.options.Lease,
		RenewDeadline:   w.options.Lease * 2 / 3,
		RetryPeriod:     w.options.Lease / 5,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(elected context.Context) {
				writing.Lock()
				defer writing.Unlock()
				elected, leave := context.WithCancel(elected)
				defer leave()
				defer context.AfterFunc(ctx, leave)()
				if elected.Err() == nil {
					w.lead(elected)
				}
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return err
	}
	elector.Run(election)
	writing.Lock() // what was begun has ended
	defer writing.Unlock()
	return nil
}

// lock is the Lease, but for requests that take too long, and failures that nobody
// hears of.
type lock struct {
	w *Writer
	resourcelock.Interface
}

// patience is the limit for one request: nothing else ends one, and the end of the
// process would wait for it.
const patience = 3 * time.Second

func (l lock) Get(ctx context.Context) (record *resourcelock.LeaderElectionRecord, raw []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	record, raw, err = l.Interface.Get(ctx)
	if apierrors.IsNotFound(err) {
		return nil, nil, err // it is then created
	}
	return record, raw, l.heard(err)
}

func (l lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return l.heard(l.Interface.Create(ctx, record))
}

func (l lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := l.Interface.Update(ctx, record)
	if apierrors.IsNotFound(err) {
		return err // somebody has deleted it
	}
	return l.heard(err)
}

// heard passes on an error, and logs one that is not just another replica's success.
func (l lock) heard(err error) error {
	if err == nil || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) || errors.Is(err, context.Canceled) {
		return err
	}
	todo := "see what else is told of the API server; it is tried again"
	switch {
	case apierrors.IsForbidden(err):
		todo = "allow Dispatcher's account to get, create and update leases (coordination.k8s.io) in its own Namespace, as deploy/base does, or set STATUS=false"
	case apierrors.IsNotFound(err):
		todo = "set POD_NAMESPACE to a Namespace that exists"
	}
	l.w.say("the Lease of those that write the status of Ingresses can't be used", todo, "lease", l.Describe(), "reason", err)
	return err
}
