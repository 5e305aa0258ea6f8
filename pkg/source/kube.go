package source

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Kube is the source that watches the Namespaces, the Pods and one Secret of
// each Namespace of a cluster.
type Kube struct {
	client   kubernetes.Interface
	selector string
	secret   string
	link     *link
	log      *slog.Logger
}

// NewKube makes a source of the Namespaces and Pods that match the selector, and
// of the Secrets with the given name in all Namespaces. The server does the
// selecting; by the name it can grant access to these Secrets alone.
func NewKube(client kubernetes.Interface, selector labels.Selector, secret string, log *slog.Logger) *Kube {
	return &Kube{client: client, selector: selector.String(), secret: secret, link: newLink(log), log: log}
}

// Run sends what exists, a Synced, and then every change, until ctx is done;
// then it ends all it has started and returns nil. An API that is away or
// refuses is asked again for ever, and meanwhile nothing is withdrawn: client-go's
// reflector waits between tries, from 0.8 s up to 30 s, each stretched by a
// random factor of up to two.
func (k *Kube) Run(ctx context.Context, events chan<- Event) error {
	core := k.client.CoreV1()
	labelled := func(o *metav1.ListOptions) { o.LabelSelector = k.selector }
	named := func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, k.secret).String()
	}
	informers := []cache.SharedIndexInformer{
		k.informer(&corev1.Namespace{}, listWatch(k, "namespaces", labelled, core.Namespaces().List, core.Namespaces().Watch)),
		k.informer(&corev1.Pod{}, listWatch(k, "pods", labelled, core.Pods("").List, core.Pods("").Watch)),
		k.informer(&corev1.Secret{}, listWatch(k, "secrets", named, core.Secrets("").List, core.Secrets("").Watch)),
	}
	// client-go's own remarks are for its developers; link tells users the same.
	ctx, cancel := context.WithCancel(klog.NewContext(ctx, logr.FromSlogHandler(k.log.Handler()).V(4)))
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	var synced []cache.DoneChecker
	for _, informer := range informers {
		err := errors.Join(
			informer.SetTransform(trim),
			// Every failure has passed through listWatch, which has told of it.
			informer.SetWatchErrorHandlerWithContext(func(context.Context, *cache.Reflector, error) {}),
		)
		if err != nil {
			return err
		}
		handler, err := informer.AddEventHandler(forward(ctx, events))
		if err != nil {
			return err
		}
		synced = append(synced, handler.HasSyncedChecker())
		running.Go(func() { informer.RunWithContext(ctx) })
	}
	if cache.WaitFor(ctx, "", synced...) {
		send(ctx, events, Event{Synced: true})
	}
	<-ctx.Done()
	return nil
}

func (k *Kube) informer(kind runtime.Object, lw cache.ListerWatcher) cache.SharedIndexInformer {
	return cache.NewSharedIndexInformerWithOptions(lw, kind, cache.SharedIndexInformerOptions{})
}

// listWatch adds the selector to every request and tells link how each went.
// link can't hear it from client-go's watch error handler, which is not called
// while connections are refused, nor when things work again.
func listWatch[L runtime.Object](k *Kube, resource string, choose func(*metav1.ListOptions),
	list func(context.Context, metav1.ListOptions) (L, error),
	watchFrom func(context.Context, metav1.ListOptions) (watch.Interface, error),
) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			choose(&o)
			answered := k.link.expect(ctx, "list", resource)
			l, err := list(ctx, o)
			answered()
			k.link.report(ctx, "list", resource, err)
			return l, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			choose(&o)
			answered := k.link.expect(ctx, "watch", resource)
			w, err := watchFrom(ctx, o)
			answered()
			if o.SendInitialEvents == nil || err == nil {
				k.link.report(ctx, "watch", resource, err)
				return w, err
			}
			// A list by watch failed: client-go goes on to a plain list, which
			// will be reported. Only for these two errors would it wait first,
			// for up to a minute and deaf to ctx; so their type is hidden.
			if utilnet.IsConnectionRefused(err) || apierrors.IsTooManyRequests(err) {
				err = errors.New(err.Error())
			}
			return nil, err
		},
	}, k.client)
}

// forward hands the informer's notifications over as Events.
func forward(ctx context.Context, events chan<- Event) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc: func(o any) { sendObject(ctx, events, o, false) },
		UpdateFunc: func(before, o any) {
			if !sameVersion(before, o) {
				sendObject(ctx, events, o, false)
			}
		},
		DeleteFunc: func(o any) {
			// The deletion itself was missed and only found by a new list.
			if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = last.Obj
			}
			sendObject(ctx, events, o, true)
		},
	}
}

// sameVersion says whether a new list has only brought what was known.
func sameVersion(before, after any) bool {
	b, ok1 := before.(metav1.Object)
	a, ok2 := after.(metav1.Object)
	return ok1 && ok2 && a.GetResourceVersion() != "" && a.GetResourceVersion() == b.GetResourceVersion()
}

func sendObject(ctx context.Context, events chan<- Event, o any, deleted bool) {
	if object, ok := o.(metav1.Object); ok {
		send(ctx, events, Event{Object: object, Deleted: deleted})
	}
}

// send reports false if ctx was done before the Event was taken.
func send(ctx context.Context, events chan<- Event, e Event) bool {
	select {
	case events <- e:
		return true
	case <-ctx.Done():
		return false
	}
}
