package nginx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/30x/dispatcher/internal/pki"
)

// DF22: another certificate is served as soon as Apply has ended, no request fails
// meanwhile, and the old key is gone.
func TestCertificatesChangeWithoutLoss(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	still, turns := b.issue("still.dev"), 20
	b.apply(b.secure("g0", b.issue("a.dev"), still))
	stop := make(chan struct{})
	var clients sync.WaitGroup
	var mu sync.Mutex
	asked, failed := 0, []error{}
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				_, err := b.served("a.dev")
				mu.Lock()
				asked++
				if err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	for i := range turns {
		h := b.issue("a.dev")
		b.apply(b.secure(fmt.Sprintf("g%d", i+1), h, still))
		b.expectTLS(h, still)
	}
	close(stop)
	clients.Wait()
	if asked < 100 || len(failed) > 0 {
		t.Errorf("%d of %d requests failed: %v", len(failed), asked, failed)
	}
}

// DX29: what was a host's goes with it, and all of it with the last one.
func TestFilesOfRemovedHostsGo(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	b.apply(b.secure("g0"))
	if _, err := os.Stat(b.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder without certificates: %v", err)
	}
	one, two := b.issue("one.dev"), b.issue("*.two.dev")
	b.apply(b.secure("g1", one, two))
	b.expectTLS(one, two)
	b.apply(b.secure("g2", two))
	b.expectTLS(two)
	b.apply(b.secure("g3"))
	b.expectFiles()
	if left, err := os.ReadDir(b.folder); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// refused is what the controller asks of an error.
type refused interface{ Refused() bool }

// DX21: of a certificate that nginx doesn't take the ID is told, so that the
// others can be served without it.
func TestRefusedCertificate(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	good := b.issue("good.dev")
	b.apply(b.secure("g0", good))
	small, other, unchained := b.issue("bad.dev", pki.Key(pki.RSA(1024))), b.issue("bad.dev"), b.issue("bad.dev")
	unchained.chain += strings.Replace(good.chain, "MII", "AAA", 1)
	for name, c := range map[string]struct {
		bad    host
		reason string
	}{
		"no certificate": {host{"bad.dev", "nonsense\n", other.key}, "no start line"},
		"no key":         {host{"bad.dev", other.chain, "nonsense\n"}, `load certificate key "certificate.key"`},
		"another key":    {host{"bad.dev", other.chain, good.key}, "mismatch"},
		"a small key":    {small, "key too small"},
		"a broken chain": {unchained, `load certificate "certificate.crt"`},
	} {
		err := b.Apply(t.Context(), b.secure("g1", good, c.bad, b.issue("another.dev")))
		var certificate *CertificateError
		if !errors.As(err, &certificate) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		_, id, reason := certificate.Certificate()
		if id != c.bad.id() || certificate.Host != "bad.dev" || !strings.Contains(reason, c.reason) || strings.Contains(reason, b.dir) {
			t.Errorf("%s: %s of %s: %s", name, id, certificate.Host, reason)
		}
		if r := refused(nil); !errors.As(err, &r) || !r.Refused() {
			t.Errorf("%s: %v is no refusal", name, err)
		}
		if rejected := (*RejectedError)(nil); !errors.As(err, &rejected) || rejected.Path != b.path(rejectedName) {
			t.Errorf("%s: the refused text is not told of: %v", name, err)
		}
		if strings.Contains(err.Error()+b.log.String(), c.bad.key) {
			t.Errorf("%s: the key shows: %v\n%s", name, err, b.log)
		}
		b.expectTLS(good) // and nothing of the refused ones is left
		another := b.issue("another.dev")
		b.apply(b.secure("g-"+strings.ReplaceAll(name, " ", ""), good, another))
		b.expectTLS(good, another)
		b.apply(b.secure("g0", good))
	}
}

// A place for files that can't be used is that certificate's trouble alone.
func TestBadFolderOfOneHost(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	good, bad := b.issue("good.dev"), b.issue("bad.dev")
	b.apply(b.secure("g0", good))
	if err := os.WriteFile(filepath.Join(b.folder, "bad.dev"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := b.Apply(t.Context(), b.secure("g1", bad, good))
	var certificate *CertificateError
	if !errors.As(err, &certificate) || certificate.ID != bad.id() {
		t.Errorf("got %v", err)
	}
	if r := refused(nil); errors.As(err, &r) && r.Refused() {
		t.Errorf("time can't mend it: %v", err)
	}
	if err := os.Remove(filepath.Join(b.folder, "bad.dev")); err != nil {
		t.Fatal(err)
	}
	b.apply(b.secure("g1", bad, good))
	b.expectTLS(bad, good)
}

// A file that goes missing while nginx tests is nobody's fault, and is written again.
func TestMissingFileIsNoRefusal(t *testing.T) {
	t.Parallel()
	b := newTLSBed(t)
	flag := filepath.Join(b.dir, "flag")
	spoil := map[string]string{"removed": "rm %s", "emptied": ": > %s"}
	for name, command := range spoil {
		a := b.issue("a.dev")
		file := filepath.Join(b.folder, a.name, a.files()[0].Name)
		b.restart(Options{Binary: script(t, "if [ -e "+flag+" ]; then "+fmt.Sprintf(command, file)+"; fi\nexec "+binary(t)+` "$@"`)})
		if err := os.WriteFile(flag, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		err := b.Apply(t.Context(), b.secure("g-"+name, a))
		if certificate := (*CertificateError)(nil); err == nil || errors.As(err, &certificate) || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "written again") {
			t.Errorf("%s: got %v", name, err)
		}
		if r := refused(nil); errors.As(err, &r) {
			t.Errorf("%s: the text is not at fault: %v", name, err)
		}
		if err := os.Remove(flag); err != nil {
			t.Fatal(err)
		}
		b.apply(b.secure("g-"+name, a))
		b.expectTLS(a)
	}
}
