package nginx

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/render"
)

// tlsBed is a bed whose configurations have certificates.
type tlsBed struct {
	*bed
	tls    string // where they listen for TLS
	folder string
}

func newTLSBed(t *testing.T) *tlsBed {
	t.Helper()
	b := &tlsBed{bed: newBed(t), tls: freeAddr(t)}
	b.folder = filepath.Join(b.dir, "ssl")
	b.restart(Options{})
	return b
}

func (b *tlsBed) restart(o Options) {
	b.t.Helper()
	o.CertDir = b.folder
	b.bed.restart(o)
}

// host is a server with a certificate.
type host struct{ name, chain, key string }

// issue gives a host with a new certificate.
func (b *tlsBed) issue(name string, options ...pki.Option) host {
	b.t.Helper()
	chain, key := pki.SelfSignedWith(b.t, []string{name}, options...)
	return host{name, chain, key}
}

func (h host) id() string {
	sum := sha256.Sum256([]byte(h.chain + h.key))
	return hex.EncodeToString(sum[:16])
}

func (h host) files() []render.CertificateFile {
	return []render.CertificateFile{
		{Folder: h.name, Name: h.id() + ".crt", Alias: "certificate.crt", ID: h.id(), Content: []byte(h.chain)},
		{Folder: h.name, Name: h.id() + ".key", Alias: "certificate.key", ID: h.id(), Content: []byte(h.key)},
	}
}

// secure gives a configuration that serves the hosts, each of which answers with
// the generation.
func (b *tlsBed) secure(generation string, hosts ...host) render.Files {
	return b.secureAnd(generation, "", hosts...)
}

// secureAnd is secure with another directive for the server without TLS.
func (b *tlsBed) secureAnd(generation, directive string, hosts ...host) render.Files {
	text := directive + fmt.Sprintf("\n    location / { return 200 %q; }", generation)
	var files []render.CertificateFile
	for _, h := range hosts {
		own := h.files()
		files = append(files, own...)
		path := func(i int) string { return filepath.Join(b.folder, own[i].Folder, own[i].Name) }
		text += fmt.Sprintf("\n  }\n  server {\n    listen %s ssl;\n    server_name %s;\n    ssl_certificate %s;\n    ssl_certificate_key %s;\n    location / { return 200 %q; }",
			b.tls, h.name, path(0), path(1), generation)
	}
	f := b.conf(generation, text)
	f.Certificates = files
	return f
}

// served asks for a host, or one that a wildcard stands for, on a new connection
// and gives the certificate that it is served with.
func (b *tlsBed) served(name string) (leaf []byte, err error) {
	name = strings.Replace(name, "*", "any", 1)
	c, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", b.tls, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", name); err != nil {
		return nil, err
	}
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(c); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(answer.String(), "HTTP/1.1 200 ") {
		return nil, fmt.Errorf("got %q", answer.String())
	}
	return c.ConnectionState().PeerCertificates[0].Raw, nil
}

// expectTLS checks that the hosts are served with their certificates, and that
// their files, and no other hosts', are on the disk.
func (b *tlsBed) expectTLS(hosts ...host) {
	b.t.Helper()
	for _, h := range hosts {
		want, _ := pem.Decode([]byte(h.chain))
		if leaf, err := b.served(h.name); err != nil || !bytes.Equal(leaf, want.Bytes) {
			b.t.Errorf("%s is not served with its certificate (%v)", h.name, err)
		}
	}
	b.expectFiles(hosts...)
}

// expectFiles checks that the hosts' files, and no other ones, are on the disk.
func (b *tlsBed) expectFiles(hosts ...host) {
	b.t.Helper()
	want := []string{".lock"}
	for _, h := range hosts {
		want = append(want, h.name+"/certificate.crt", h.name+"/certificate.key")
		for _, f := range h.files() {
			want = append(want, f.Folder+"/"+f.Name)
			for _, name := range []string{f.Name, f.Alias} {
				text, err := os.ReadFile(filepath.Join(b.folder, f.Folder, name))
				if err != nil || !bytes.Equal(text, f.Content) {
					b.t.Errorf("%s/%s is not as it should be: %v", f.Folder, name, err)
				}
			}
		}
	}
	slices.Sort(want)
	if got := b.files(); !slices.Equal(got, want) {
		b.t.Errorf("on the disk are\n%q, want\n%q", got, want)
	}
}

func (b *tlsBed) files() []string {
	b.t.Helper()
	var got []string
	err := filepath.WalkDir(b.folder, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			got = append(got, strings.TrimPrefix(path, b.folder+"/"))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	slices.Sort(got)
	return got
}
