package source

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/30x/dispatcher/pkg/source/manifest"
)

// link tells the log how the connection to the API fares: each kind of failure
// at most once a minute, and once that it works again.
type link struct {
	namespace string // the only one; "": all
	log       *slog.Logger

	mu      sync.Mutex
	failing map[string]bool      // verb and resource
	told    map[string]time.Time // kind of failure → when it was last logged
	down    bool                 // a failure was logged since it last worked
}

func newLink(namespace string, log *slog.Logger) *link {
	return &link{namespace: namespace, log: log, failing: map[string]bool{}, told: map[string]time.Time{}}
}

// report takes in how a request went.
func (l *link) report(ctx context.Context, verb, resource string, err error) {
	if ctx.Err() != nil || apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
		return // we are leaving, or client-go lists anew: both are daily life
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.worked(verb, resource)
		return
	}
	l.failing[verb+" "+resource] = true
	kind, what, todo := l.explain(verb, resource, err)
	if last, ok := l.told[kind]; ok && time.Since(last) < time.Minute {
		return
	}
	l.told[kind] = time.Now()
	l.down = true
	stays := "known routes stay as they are"
	if resource == "secrets" || resource == "services" {
		stays += " and new ones wait" // see watcher
	}
	l.log.Warn(what+": "+stays+", trying again", "error", manifest.Plain(cause(err)), "todo", todo)
}

// patience is how long a request may go without an answer before that is told.
// client-go may try ten times within one, for a minute, or wait for ever.
const patience = 20 * time.Second

var errNoAnswer = fmt.Errorf("no answer for %v", patience)

// expect reports that a request is not answered, until answered is called.
func (l *link) expect(ctx context.Context, verb, resource string) (answered func()) {
	ctx, cancel := context.WithCancel(ctx)
	ticker := time.NewTicker(patience)
	go func() {
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				l.report(ctx, verb, resource, errNoAnswer)
			case <-ctx.Done():
				return
			}
		}
	}()
	return cancel
}

func (l *link) worked(verb, resource string) {
	delete(l.failing, verb+" "+resource)
	if verb == "watch" { // it starts only where a list has worked
		delete(l.failing, "list "+resource)
	}
	if l.down && len(l.failing) == 0 {
		l.down = false
		l.log.Info("the Kubernetes API works again")
	}
}

// tlsSecrets are the Secrets that Ingresses name.
const tlsSecrets = "secrets of type kubernetes.io/tls"

// explain puts a failure in plain words, with what to do. The same kind is the
// same failure.
func (l *link) explain(verb, resource string, err error) (kind, what, todo string) {
	switch {
	case apierrors.IsForbidden(err):
		where, role, file := "in all namespaces", "ClusterRole", "deploy/base/rbac.yaml"
		if l.namespace != "" {
			where, role = "in the namespace "+l.namespace, "Role there"
		}
		what = fmt.Sprintf("the Kubernetes API forbids to %s %s %s", verb, resource, where)
		rule := fmt.Sprintf("list and watch on %s", resource)
		switch resource {
		case "secrets":
			rule += ", with the one in resourceNames that API_KEY_SECRET_NAME names"
		case tlsSecrets:
			rule, file = "list and watch on secrets, since no rule can name their type; or unset INGRESS_TLS", "deploy/overlays/ingress-tls"
		}
		todo = fmt.Sprintf("allow it by RBAC: apply %s, or bind Dispatcher's account to a %s with this rule: %s", file, role, rule)
		if l.namespace != "" {
			todo = fmt.Sprintf("allow it by RBAC: bind Dispatcher's account to a %s with this rule: %s", role, rule)
		}
		return what, what, todo
	case apierrors.IsUnauthorized(err):
		return "unauthorized", "the Kubernetes API does not accept the credentials",
			"check the ServiceAccount's token, or the user in the kubeconfig"
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return "certificate", "the Kubernetes API's certificate can't be trusted",
			"check the certificate authority of the ServiceAccount or the kubeconfig, and this machine's clock"
	case apierrors.ReasonForError(err) == "":
		return "unreachable", "the Kubernetes API can't be reached",
			"check that the API server runs and that its address is right (--kubeconfig, KUBE_HOST)"
	}
	what = fmt.Sprintf("the Kubernetes API fails to %s %s", verb, resource)
	return what, what, "look at the API server's log if this goes on"
}

// cause leaves out the request's long URL, which url.Error puts first.
func cause(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err.Error()
	}
	return err.Error()
}
