package source

import (
	"context"
	"errors"
	"log/slog"
	"reflect"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/30x/dispatcher/pkg/source/watcher"
)

// Kube is the source that watches objects of a cluster.
type Kube struct {
	client kubernetes.Interface
	scope  Scope
	link   *link
	log    *slog.Logger
}

// NewKube makes a source of the objects in the scope.
func NewKube(client kubernetes.Interface, scope Scope, log *slog.Logger) *Kube {
	return &Kube{client: client, scope: scope, link: newLink(scope.Namespace, log), log: log}
}

// Run sends what exists, a Synced, and then every change, until ctx is done;
// then it ends all it has started and returns nil. An API that is away or
// refuses is asked again for ever, every three seconds at least, and meanwhile
// nothing is withdrawn and nothing opens: see watcher.
func (k *Kube) Run(ctx context.Context, events chan<- Event) error {
	ctx = klog.NewContext(ctx, logr.FromSlogHandler(remarks{k.log.Handler()}))
	watcher.Run(ctx, k.client, k.resources(), k.scope.Claims, events)
	return nil
}

// errNoWatch is in place of a failure that client-go hides: it makes a watch of a
// connection that can't be opened in time, or is closed at once, which ends at once.
var errNoWatch = errors.New("no connection in time, or it was closed at once")

// resource adds the selector to every request and tells link how each went.
func resource[L runtime.Object](k *Kube, kind watcher.Kind, name string, empty watcher.Object, choose func(*metav1.ListOptions),
	list func(context.Context, metav1.ListOptions) (L, error),
	watchFrom func(context.Context, metav1.ListOptions) (watch.Interface, error),
) watcher.Resource {
	return watcher.Resource{
		Kind:  kind,
		Empty: empty,
		List: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			choose(&o)
			answered := k.link.expect(ctx, "list", name)
			l, err := list(ctx, o)
			answered()
			k.link.report(ctx, "list", name, err)
			return l, err
		},
		Watch: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			choose(&o)
			answered := k.link.expect(ctx, "watch", name)
			w, err := watchFrom(ctx, o)
			answered()
			if err == nil && reflect.TypeOf(w) == reflect.TypeOf(watch.NewEmptyWatch()) {
				w, err = nil, errNoWatch
			}
			// If the server has refused a list by watch, client-go goes on to a plain
			// list, which will be reported.
			if o.SendInitialEvents == nil || apierrors.ReasonForError(err) == metav1.StatusReasonUnknown {
				k.link.report(ctx, "watch", name, err)
			}
			return w, err
		},
	}
}

// remarks are client-go's own, which are for its developers, even those that it
// takes for errors; link tells users the same.
type remarks struct{ slog.Handler }

// Enabled reports whether remarks are wanted. Below information client-go would show
// what it sends and receives, Secrets too.
func (r remarks) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo && r.Handler.Enabled(ctx, slog.LevelDebug)
}

// Handle logs a remark.
func (r remarks) Handle(ctx context.Context, record slog.Record) error {
	record.Level = slog.LevelDebug
	return r.Handler.Handle(ctx, record)
}

// WithAttrs is the same with attributes.
func (r remarks) WithAttrs(attrs []slog.Attr) slog.Handler {
	return remarks{r.Handler.WithAttrs(attrs)}
}

// WithGroup is the same in a group.
func (r remarks) WithGroup(name string) slog.Handler { return remarks{r.Handler.WithGroup(name)} }
