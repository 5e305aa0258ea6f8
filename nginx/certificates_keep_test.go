package nginx

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// After a reload that fails the old certificate is served, from files that are
// still there, and nothing of the new one is left.
func TestGoBackToTheLastCertificates(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	b.run()
	first, second := b.issue("a.dev"), b.issue("a.dev")
	b.apply(b.secure("g1", first))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := b.Apply(t.Context(), b.secureAnd("g2", "listen "+l.Addr().String()+";", second)); err == nil {
		t.Error("a port that is taken was listened on")
	}
	b.expectTLS(first)
	b.killed()
	b.expectTLS(first)
	b.apply(b.secure("g3", second))
	b.expectTLS(second)
}

// killed ends nginx by force and waits until Run has started it again.
func (b *tlsBed) killed() {
	b.t.Helper()
	old := b.pid()
	kill(b.t, old, syscall.SIGKILL)
	waitFor(b.t, "another nginx", func() bool { return b.pid() != old })
}

// A nginx that is started again needs its files, which somebody may have removed.
func TestKilledNginxGetsItsCertificatesBack(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	b.run()
	a := b.issue("a.dev")
	b.apply(b.secure("g1", a))
	b.killed()
	b.expectTLS(a)
	if err := os.RemoveAll(filepath.Join(b.folder, "a.dev")); err != nil {
		t.Fatal(err)
	}
	b.killed()
	want, _ := pem.Decode([]byte(a.chain))
	if leaf, err := b.served("a.dev"); err != nil || !bytes.Equal(leaf, want.Bytes) {
		t.Errorf("not served with its certificate: %v", err)
	}
}

// A restarted Dispatcher doesn't know which files the running nginx needs, until
// it has made another configuration live. Then it removes what was left behind.
func TestTakeOverWithCertificates(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	first, second := b.issue("a.dev"), b.issue("a.dev")
	b.apply(b.secure("g1", first))
	master := b.pid()

	b.restart(Options{})
	b.run()
	if err := b.Apply(t.Context(), b.secureAnd("g2", "nonsense on;", second)); err == nil {
		t.Error("nonsense was accepted")
	}
	if text, err := os.ReadFile(filepath.Join(b.folder, "a.dev", second.files()[1].Name)); err != nil || string(text) != second.key {
		t.Errorf("removed without knowing who needs it: %v", err)
	}
	if b.pid() != master {
		t.Error("nginx was started again")
	}
	b.killed() // before anything is known
	b.apply(b.secure("g1", first))
	b.expectTLS(first)

	// What is in service already has its leftovers removed, too.
	kept := filepath.Join(b.folder, "gone.dev", second.files()[1].Name)
	if err := errors.Join(os.Mkdir(filepath.Dir(kept), 0o700), os.WriteFile(kept, []byte(second.key), 0o600)); err != nil {
		t.Fatal(err)
	}
	master = b.pid()
	b.restart(Options{})
	b.apply(b.secure("g1", first))
	b.expectTLS(first)
	b.apply(b.secure("g2", second))
	b.expectTLS(second)
	if b.pid() != master {
		t.Error("nginx was started again")
	}
}

// Somebody's own file with a documented name stays; it's told of, and not more.
func TestForeignFileIsToldOfOnce(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	own := filepath.Join(b.folder, "a.dev", "certificate.crt")
	if err := errors.Join(os.MkdirAll(filepath.Dir(own), 0o700), os.WriteFile(own, []byte("mine"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b.apply(b.secure(fmt.Sprintf("g%d", i), b.issue("a.dev")))
		b.expect(fmt.Sprintf("g%d", i))
	}
	if text, err := os.ReadFile(own); err != nil || string(text) != "mine" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if log := b.log.String(); strings.Count(log, "level=WARN") != 1 || !strings.Contains(log, own[len(b.dir):len(own)-len("/certificate.crt")]) {
		t.Errorf("log: %s", log)
	}
}

// When Apply is given up half-way, nginx may be running with the old files or the
// new ones, so that both stay until the next one.
func TestEndedContextKeepsBothCertificates(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	first, second := b.issue("a.dev"), b.issue("a.dev")
	b.apply(b.secure("g1", first))
	unconfirmed := b.secure("g2", second)
	unconfirmed.Generation = "g3" // nobody ever confirms it
	ctx, cancel := context.WithCancel(t.Context())
	applied := make(chan error, 1)
	go func() { applied <- b.Apply(ctx, unconfirmed) }()
	waitFor(t, "the new text", func() bool {
		text, err := os.ReadFile(b.path(confName))
		return err == nil && bytes.Equal(text, unconfirmed.Conf)
	})
	cancel()
	if err := <-applied; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := b.Apply(t.Context(), b.secureAnd("g3", "nonsense on;", b.issue("a.dev"))); err == nil {
		t.Error("nonsense was accepted")
	}
	for _, f := range append(first.files(), second.files()...) {
		if _, err := os.Stat(filepath.Join(b.folder, f.Folder, f.Name)); err != nil {
			t.Error(err)
		}
	}
	b.apply(b.secure("g4", first))
	b.expectTLS(first)
}
