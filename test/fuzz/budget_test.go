package fuzz

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/30x/dispatcher/internal/pki"
	"github.com/30x/dispatcher/pkg/render"
	"github.com/30x/dispatcher/pkg/route/certificate"
)

// DX21: what one tenant's hosts may take up with certificates is limited; those
// beyond are closed and reported, and the neighbours are served as before.
func TestCertificateBudget(t *testing.T) {
	c := newCorridor(t)
	chain, key := pki.SelfSigned(t, "*.example")
	pair, err := certificate.NewPair([]byte(chain), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	c.Options.TLS, c.Params.Default, c.Options.Limits.Hosts = true, pair, 130
	var authorities strings.Builder
	for i := range 80 {
		authorities.WriteString(pki.NewAuthority(t, fmt.Sprint("authority ", i)).PEM())
	}
	var hosts []string
	for i := range 130 {
		ref := func(field string) string { return `{"valueFrom": {"secretKeyRef": {"key": "` + field + `"}}}` }
		hosts = append(hosts, fmt.Sprintf(`"h%d.example": {"ssl": {"certificate": %s, "certificateKey": %s, "clientCertificate": %s}}`, i, ref("crt"), ref("key"), ref("ca")))
	}
	table, problems, files := walk(t, c, append(neighbours(),
		namespace("t", 9, "{"+strings.Join(hosts, ", ")+"}", nil), pod("t", "web", "10.0.0.9", `[{"basePath": "/", "containerPort": 3000}]`, nil),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "t", Name: "routing"}, Data: map[string][]byte{"crt": []byte(chain), "key": []byte(key), "ca": []byte(authorities.String())}}))
	closed, served := 0, 0
	for _, p := range problems {
		if strings.Contains(p.Reason, "take up more than") {
			closed++
		}
	}
	for _, h := range table.Hosts {
		if h.TLS != nil {
			served++
		}
	}
	if served < 50 || served+closed != len(hosts) || len(table.Hosts) != served+4 {
		t.Errorf("%d of %d hosts are served, %d reported", served, len(hosts), closed)
	}
	if n := size(files.Certificates); n > 5<<20 {
		t.Errorf("the files take up %d bytes", n)
	}
}

func size(files []render.CertificateFile) (n int) {
	for _, f := range files {
		n += len(f.Content)
	}
	return n
}
