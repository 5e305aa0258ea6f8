package controller_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/controller"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route/certificate"
	"github.com/30x/dispatcher/pkg/source"
)

// tenant plays a Namespace with one TLS host, which has a new certificate, and
// gives that certificate.
func (s *stage) tenant(name string, options ...pki.Option) *certificate.Pair {
	s.t.Helper()
	chain, key := pki.SelfSignedWith(s.t, []string{name + ".example"}, append([]pki.Option{decade()}, options...)...)
	s.tenantWith(name, chain, key)
	return newPair(s.t, chain, key)
}

func (s *stage) tenantWith(name, chain, key string) {
	s.t.Helper()
	host := name + ".example"
	const ssl = `{%q: {"ssl": {"certificate": {"valueFrom": {"secretKeyRef": {"key": "crt"}}}, "certificateKey": {"valueFrom": {"secretKeyRef": {"key": "key"}}}}}}`
	s.events <- source.Event{Object: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"hosts": fmt.Sprintf(ssl, host)}}}}
	s.send(source.Event{Object: &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: "routing"}, Data: map[string][]byte{"crt": []byte(chain), "key": []byte(key)}}})
}

// decade lets a certificate live longer than a test looks into the future.
func decade() pki.Option { return pki.Expires(time.Now().AddDate(10, 0, 0)) }

func newPair(t *testing.T, chain, key string) *certificate.Pair {
	t.Helper()
	pair, err := certificate.NewPair([]byte(chain), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func selfSigned(t *testing.T) *certificate.Pair {
	t.Helper()
	chain, key := pki.SelfSignedWith(t, []string{"default.example"}, decade())
	return newPair(t, chain, key)
}

// badCertificate is what a proxy says of one certificate.
type badCertificate struct{ host, id string }

func (badCertificate) Error() string { return "a certificate is at fault" }
func (e badCertificate) Certificate() (host, id, reason string) {
	return e.host, e.id, "key too small"
}

// refused is one that nginx does not take.
type refused struct{ badCertificate }

func (refused) Refused() bool { return true }

// refuse lets the proxy refuse every configuration with one of the certificates.
func (s *stage) refuse(bad ...*certificate.Pair) {
	s.answers(func(f render.Files) error {
		for _, p := range bad {
			if slices.ContainsFunc(f.Certificates, func(c render.CertificateFile) bool { return c.ID == p.ID() }) {
				return refused{badCertificate{"", p.ID()}}
			}
		}
		return nil
	})
}

// serves says which of the hosts the last configuration serves over TLS.
func (s *stage) serves(names ...string) (served []string) {
	all := s.applications()
	for _, n := range names {
		if strings.Contains(all[len(all)-1].conf, "/"+n+".example/") {
			served = append(served, n)
		}
	}
	return served
}

// DF20: certificates that nginx alone refuses cost their hosts and nobody else,
// until they change.
func TestCertificateRefused(t *testing.T) {
	playTLS(t, func(s *stage) {
		a, b := s.tenant("a"), s.tenant("b")
		s.tenant("c")
		s.refuse(a, b)
		s.sync()
		if got := s.serves("a", "b", "c"); !slices.Equal(got, []string{"c"}) {
			t.Errorf("served are %v", got)
		}
		if log := s.log.String(); strings.Count(log, "key too small") != 2 || s.told().Err != nil || len(s.told().Problems) != 2 {
			t.Errorf("the report says %+v, the log %s", s.told(), log)
		}
		pass(time.Minute)
		s.tenant("a") // a new certificate
		s.tenant("d")
		pass(window)
		if got := s.serves("a", "b", "c", "d"); !slices.Equal(got, []string{"a", "c", "d"}) {
			t.Errorf("after a change served are %v", got)
		}
	})
}

// DF21: a default certificate that nginx refuses is not put in the place of the
// last good one, and isn't mistaken for a tenant's.
func TestDefaultCertificateRefused(t *testing.T) {
	playTLS(t, func(s *stage) {
		bad := selfSigned(t)
		tenant := s.tenant("a")
		s.sync()
		s.refuse(bad, tenant)
		change := func(p *certificate.Pair) {
			s.changes <- controller.Change{What: "default certificate", Apply: func(params render.Params) render.Params { params.Default = p; return params }}
			pass(window)
		}
		change(bad)
		if got := s.serves("a"); len(got) != 1 || len(s.applications()) != 1 || !strings.Contains(s.log.String(), "a change does not work") {
			t.Errorf("served are %v after %d configurations; the log says %s", got, len(s.applications()), s.log)
		}
		good := selfSigned(t)
		s.refuse(tenant) // a new text is tested, and now the tenant's turns out to be bad
		change(good)
		if got := s.serves("a"); len(got) != 0 || !strings.Contains(s.applications()[1].conf, good.ID()) {
			t.Errorf("served are %v after %d configurations; the log says %s", got, len(s.applications()), s.log)
		}
	})
}

// What must come about certificates is told on the day, without any event.
func TestCertificateExpires(t *testing.T) {
	const day = 24 * time.Hour
	playTLS(t, func(s *stage) {
		s.tenant("a", pki.NotBefore(time.Now().Add(day)), pki.Expires(time.Now().Add(30*day)))
		s.sync()
		read := 0
		says := func(after time.Duration, word string) {
			t.Helper()
			time.Sleep(time.Until(s.started.Add(after)))
			pass(time.Second)
			log := s.log.String()[read:]
			read += len(log)
			if (log == "") != (word == "") || !strings.Contains(log, word) {
				t.Errorf("after %v the log says %q, want %q", after, log, word)
			}
		}
		says(0, "is not valid before 2000-01-02 00:00 UTC")
		says(day-time.Minute, "")
		says(day, "problem solved")
		says(16*day-time.Minute, "")
		says(16*day, "expires on 2000-01-31 00:00 UTC; renew it")
		says(30*day-time.Minute, "")
		says(30*day, "expired on 2000-01-31 00:00 UTC")
		says(100*day, "")
		if c := s.told().Certificates; len(c) != 2 || c[1].Host != "a.example" || c[1].Namespace != "a" || c[1].NotAfter != s.started.Add(30*day).Unix() {
			t.Errorf("the report says %+v", c)
		}
		if len(s.applications()) != 1 {
			t.Errorf("%d configurations were applied", len(s.applications()))
		}
	})
}

// A Secret that is at fault has nothing to do with a proxy that fails.
func TestCertificateOfNobody(t *testing.T) {
	playTLS(t, func(s *stage) {
		s.tenant("a")
		s.answers(func(render.Files) error { return fmt.Errorf("wrapped: %w", badCertificate{"a.example", "no such ID"}) })
		s.sync()
		pass(time.Minute)
		if s.told().Err == nil || !errors.As(s.told().Err, new(badCertificate)) {
			t.Errorf("the report says %+v", s.told())
		}
	})
}

// Trouble with one host's folder costs that host alone, though others have the
// same certificate, and only as long as it lasts.
func TestCertificateFolder(t *testing.T) {
	playTLS(t, func(s *stage) {
		chain, key := pki.SelfSignedWith(t, []string{"a.example", "b.example"}, decade())
		s.tenantWith("a", chain, key)
		s.tenantWith("b", chain, key)
		s.answers(func(f render.Files) error {
			for _, c := range f.Certificates {
				if c.Folder == "a.example" {
					return badCertificate{c.Folder, c.ID}
				}
			}
			return nil
		})
		s.sync()
		if got := s.serves("a", "b"); !slices.Equal(got, []string{"b"}) {
			t.Errorf("served are %v", got)
		}
		pass(time.Minute)
		if log := s.log.String(); strings.Count(log, "problem") != 2 || len(s.applications()) != 1 { // one line, with its key
			t.Errorf("after %d configurations the log says %s", len(s.applications()), log)
		}
		s.answers(nil)
		pass(time.Minute)
		if got := s.serves("a", "b"); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("once it is mended served are %v", got)
		}
	})
}

// Many bad certificates at once don't keep the others' changes waiting: a turn
// looks for some of them, and goes on without the rest.
func TestManyCertificatesRefused(t *testing.T) {
	playTLS(t, func(s *stage) {
		s.tenant("old")
		s.sync()
		var bad []*certificate.Pair
		for i := range 12 {
			bad = append(bad, s.tenant(fmt.Sprintf("bad%d", i))) // one window
		}
		s.tenant("new")
		s.refuse(bad...)
		var tries atomic.Int32
		refuse := s.answer
		s.answers(func(f render.Files) error { tries.Add(1); return refuse(f) })
		s.host("plain.example")
		pass(window)
		if got := s.serves("old", "new", "bad0"); !slices.Equal(got, []string{"old"}) || tries.Load() > 10 {
			t.Errorf("after %d tries served are %v", tries.Load(), got)
		}
		if all := s.applications(); !strings.Contains(all[len(all)-1].conf, "server_name plain.example;") {
			t.Error("another change has waited")
		}
		pass(time.Minute)
		if got := s.serves("old", "new", "bad0"); !slices.Equal(got, []string{"old", "new"}) {
			t.Errorf("in the end served are %v", got)
		}
	})
}
