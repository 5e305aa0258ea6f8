// Package ingressstatus tells where Ingresses are reached. Reports of the controller
// enter; the status.loadBalancer.ingress of the Ingresses of our class leaves, written
// by one replica, which a Lease elects. It never touches an Ingress of another class,
// but for taking back what a Dispatcher has written, never takes an address away
// because none is known, and never holds up a turn.
package ingressstatus

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/30x/dispatcher/pkg/controller"
)

// Options say who writes what.
type Options struct {
	// Namespace is Dispatcher's own, in which the Lease is, and Identity a name that no
	// other process has; see Here.
	Namespace, Identity string
	// Class and Controller are those by which Ingresses are ours. The Dispatchers of a
	// Namespace that have the same Class elect one that writes.
	Class, Controller string
	// Addresses are IPs and host names at which Ingresses are reached; if there are
	// none, those of Reports count, which are of Service.
	Addresses []string
	Service   string // NAMESPACE/NAME; "": none
	// Lease is how long a replica that writes may be silent before another one takes
	// over, in whole seconds; 0: 45 s.
	Lease time.Duration
}

// defaultLease makes each replica ask for the Lease about four times a minute: on a
// large cluster there is one on each of hundreds of nodes.
const defaultLease = 45 * time.Second

// maxManager is the limit of the Kubernetes API for the name of a field manager.
const maxManager = 128

// Writer writes the status of Ingresses. Set is called by one goroutine, Run once.
type Writer struct {
	client  kubernetes.Interface
	options Options
	manager string // our name in managedFields
	log     *slog.Logger
	wanted  atomic.Pointer[wanted] // nil before the first Report
	changed chan struct{}          // wanted has

	mu   sync.Mutex
	said map[string]time.Time // when each kind of failure was logged
}

// New makes a Writer.
func New(client kubernetes.Interface, options Options, log *slog.Logger) *Writer {
	options.Lease = cmp.Or(options.Lease, defaultLease)
	return &Writer{
		client: client, options: options, log: log,
		manager: managerOf(options), changed: make(chan struct{}, 1), said: map[string]time.Time{},
	}
}

// managerOf names all Dispatchers for which the same Ingresses are ours.
func managerOf(o Options) string {
	name := o.Controller + "/" + o.Class
	if len(name) > maxManager {
		name = fmt.Sprintf("dispatcher/%x", sha256.Sum256([]byte(name)))
	}
	return name
}

// Set takes in the newest Report.
func (w *Writer) Set(report controller.Report) {
	addresses := w.options.Addresses
	if len(addresses) == 0 {
		addresses = report.Published
	}
	old := w.wanted.Load()
	if old != nil && slices.EqualFunc(old.ingresses, report.Ingresses, same) && slices.Equal(old.addresses, addresses) {
		return
	}
	w.wanted.Store(newWanted(report.Ingresses, addresses))
	select {
	case w.changed <- struct{}{}:
	default: // the one that writes will see both changes
	}
}

// Run writes, while this replica is the one that does, until ctx is done. What is
// written stays: other replicas serve on. Without addresses and Service it does
// nothing. The error is about Options.
func (w *Writer) Run(ctx context.Context) error {
	if len(w.options.Addresses) == 0 && w.options.Service == "" {
		return nil
	}
	for ctx.Err() == nil {
		if err := w.stand(ctx); err != nil {
			return fmt.Errorf("elect the replica that writes the status of Ingresses: %w", err)
		}
	}
	return nil
}

// sayAgain is when a failure that lasts is logged again.
const sayAgain = time.Hour

// say logs why something is not written, once in a while for each kind of failure:
// one of many replicas and one of many Ingresses are enough.
func (w *Writer) say(what, todo string, details ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last, ok := w.said[what]; ok && time.Since(last) < sayAgain {
		return
	}
	w.said[what] = time.Now()
	w.log.Warn(what, append(details, "todo", todo)...)
}
