package source

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestLink(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	away := &url.Error{Op: "Get", URL: "https://192.0.2.1/api/v1/pods?labelSelector=x", Err: errors.New("dial tcp 192.0.2.1:443: \x1b i/o timeout")}
	synctest.Test(t, func(t *testing.T) {
		var log logs
		l, ctx := newLink("", log.logger()), t.Context()
		wants := func(words string, n int) {
			t.Helper()
			if got := log.count(words); got != n {
				t.Errorf("%q is in the log %d times, want %d:\n%s", words, got, n, log.text.String())
			}
		}
		l.report(ctx, "list", "pods", nil)
		wants("works again", 0) // it was never known not to

		l.report(ctx, "list", "pods", away)
		l.report(ctx, "list", "namespaces", away)
		wants("can't be reached", 1)
		wants("labelSelector", 0)
		wants("\x1b", 0)
		time.Sleep(time.Minute)
		l.report(ctx, "list", "pods", away)
		wants("can't be reached", 2)

		// A list that works is no cure while its watch is refused.
		l.report(ctx, "list", "namespaces", nil)
		l.report(ctx, "list", "pods", nil)
		wants("works again", 1)
		l.report(ctx, "watch", "pods", apierrors.NewForbidden(pods, "", nil))
		l.report(ctx, "list", "pods", nil)
		wants("forbids to watch pods", 1)
		wants("works again", 1)
		l.report(ctx, "watch", "pods", nil)
		wants("works again", 2)

		// A list by watch cures both.
		l.report(ctx, "list", "pods", apierrors.NewUnauthorized("no"))
		wants("does not accept the credentials", 1)
		l.report(ctx, "watch", "pods", nil)
		wants("works again", 3)

		l.report(ctx, "list", "pods", apierrors.NewInternalError(io.ErrUnexpectedEOF))
		wants("fails to list pods", 1)

		l.report(ctx, "list", "secrets", &url.Error{Op: "Get", Err: &tls.CertificateVerificationError{Err: errors.New("x509: certificate has expired or is not yet valid")}})
		wants("certificate can't be trusted", 1)
		wants("and this machine's clock", 1)
		l.report(ctx, "list", "secrets", apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, "", nil))
		wants("apply deploy/base/rbac.yaml", 2)
		wants("this rule: list and watch on secrets, with the one in resourceNames that API_KEY_SECRET_NAME names", 1)

		// Daily life, and our own end, are no failures.
		before := log.text.Len()
		l.report(ctx, "watch", "pods", apierrors.NewResourceExpired("too old"))
		over, cancel := context.WithCancel(ctx)
		cancel()
		l.report(over, "list", "namespaces", errors.New("context canceled"))
		if log.text.Len() != before {
			t.Errorf("the log has grown by %s", log.text.String()[before:])
		}
		for line := range strings.Lines(log.text.String()) {
			if strings.Contains(line, "WARN") && !strings.Contains(line, "todo=") {
				t.Errorf("no hint what to do: %s", line)
			}
		}
	})
}

// An API that takes a request and never answers is told of once a minute, until
// it does.
func TestLinkWithoutAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logs
		l := newLink("", log.logger())
		wants := func(words string, n int) {
			t.Helper()
			synctest.Wait()
			if got := log.count(words); got != n {
				t.Errorf("%q is in the log %d times, want %d:\n%s", words, got, n, log.text.String())
			}
		}
		quick := l.expect(t.Context(), "list", "pods")
		time.Sleep(19 * time.Second)
		quick()
		slow := l.expect(t.Context(), "list", "pods")
		time.Sleep(19 * time.Second)
		wants("no answer", 0)
		time.Sleep(2 * time.Second)
		wants("no answer for 20s", 1)
		time.Sleep(3 * time.Minute)
		wants("no answer for 20s", 4)
		slow()
		l.report(t.Context(), "list", "pods", nil)
		time.Sleep(time.Hour)
		wants("no answer for 20s", 4)
		wants("works again", 1)
	})
}
