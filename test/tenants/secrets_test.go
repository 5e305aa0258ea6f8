package tenants

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/30x/dispatcher/internal/pki"
)

const tlsHost = "tls.hostile.example"

// secrets are cases of what a Namespace may keep in its Secret.
func secrets() []attack {
	witness := want{host: "www.witness.example", uri: "/app", pod: "witness-0", header: apiKey("witness's key")}
	keyed := func(key string, more ...want) []want {
		out := append(slices.Clone(more), witness)
		for _, q := range good {
			q.header = apiKey(key)
			out = append(out, q)
		}
		return append(out, shut...)
	}
	const closed = "Secret/hostile/routing|data.api-key|all paths of the Namespace answer 403"
	fields := func(name string, told string, wants []want, fields ...string) attack {
		a := attack{name: name, make: func(h *hostile) { h.add(secret("hostile", "routing", fields...)) }, wants: wants, harmless: told == ""}
		if told != "" {
			a.told = []string{told}
		}
		return a
	}
	// certificate is a case of a TLS host, which is closed if something is told of it.
	certificate := func(name, told string, of func(h *hostile) (chain, key string)) attack {
		a := attack{name: name, make: func(h *hostile) {
			chain, key := of(h)
			h.add(secret("hostile", "routing", "ssl.crt", chain, "ssl.key", key))
			h.host(quoted(tlsHost) + ": " + overTLS)
		}, harmless: told == "", wants: append([]want{{host: tlsHost, uri: "/good", pod: "evil", tls: true}, {host: tlsHost, uri: "/good", status: http.StatusPermanentRedirect}}, good...)}
		if told != "" {
			a.told, a.wants = []string{"Namespace/hostile|" + tlsHost + "|" + told}, append([]want{{host: tlsHost, uri: "/good", tls: true}, {host: tlsHost, uri: "/good"}}, good...)
		}
		return a
	}
	issue := func(h *hostile, options ...pki.Option) (chain, key string) {
		return h.w.ca.Server(h.t, []string{tlsHost}, append([]pki.Option{lasting()}, options...)...)
	}
	named := func(text string) pki.Option {
		return pki.With(func(c *x509.Certificate) {
			c.Subject = pkix.Name{CommonName: text, Organization: []string{text, "\n;{}"}, OrganizationalUnit: []string{"$host;\r\ninclude /etc/passwd;"}}
		})
	}
	const text = "\n} server { return 200 pwned; } #;{}$host'\"\\"
	return []attack{
		fields("empty key", closed, append(shut, witness), "api-key", ""),
		fields("key too long", closed, append(shut, witness), "api-key", strings.Repeat("k", 1<<20)),
		fields("both keys empty", closed, append(shut, witness), "api-key", "", "api-key-next", ""),
		fields("only a next key, empty", "Secret/hostile/routing|data.api-key-next|all paths of the Namespace answer 403", append(shut, witness), "api-key-next", ""),
		fields("next key too long", "Secret/hostile/routing|data.api-key-next|the second API key is ignored", keyed("mine"), "api-key", "mine", "api-key-next", strings.Repeat("k", 2049)),
		fields("key with an injection", "", keyed(text), "api-key", text),
		fields("key of bytes", "", keyed("\x00\xff\x00\"'\\"), "api-key", "\x00\xff\x00\"'\\"),
		fields("key of special words", "", keyed("default"), "api-key", "default", "api-key-next", "~.*"),
		fields("witness's own key", "", keyed("witness's key"), "api-key", "witness's key"),
		{name: "key for a shared host", age: younger, harmless: true, make: func(h *hostile) {
			h.add(secret("hostile", "routing", "api-key", "mine"))
			h.host(`"www.witness.example": {}`)
		}, wants: keyed("mine", want{host: "www.witness.example", uri: "/app", status: http.StatusForbidden, header: apiKey("mine")}, want{host: "www.witness.example", uri: "/good", status: http.StatusForbidden},
			want{host: "www.witness.example", uri: "/good", status: http.StatusForbidden, header: apiKey("witness's key")}, want{host: "www.witness.example", uri: "/open", pod: "open"})},
		fields("names of fields", "", keyed("mine"), "api-key", "mine", "../../etc/passwd", "x", "a;b\n", "y", "api-key ", "z"),
		fields("1 MiB beside", "", keyed("mine"), "api-key", "mine", "other", strings.Repeat("x", 1<<20)),
		{name: "Secret of the witness's name", harmless: true, make: func(h *hostile) {
			h.add(secret("hostile", "witness", "api-key", ""), secret("hostile", "routing2", "api-key", "x"), secret("hostile", "vault", "api-key", "x"))
		}, wants: append([]want{witness, {host: "vault.example", uri: "/vault", status: http.StatusForbidden, header: apiKey("x")}}, good...)},
		{name: "unreadable", make: func(h *hostile) {
			h.raw = "apiVersion: v1\nkind: Secret\nmetadata: {name: routing, namespace: hostile}\nstringData: {api-key: no}\n"
		}, told: []string{"Secret/hostile/routing|the Secret can't be read"}, wants: append(shut, witness)},
		{name: "10,000 fields", harmless: true, make: func(h *hostile) {
			s := secret("hostile", "routing", "api-key", "mine")
			for i := range 10_000 {
				s.Data[fmt.Sprintf("f%d", i)] = []byte("x")
			}
			h.add(s)
		}, wants: keyed("mine")},
		certificate("good", "", func(h *hostile) (string, string) { return issue(h) }),
		certificate("directives around it", "", func(h *hostile) (string, string) {
			chain, key := issue(h)
			return text + "\n" + chain + text, text + "\n" + key + text
		}),
		certificate("subject with an injection", "", func(h *hostile) (string, string) { return issue(h, named(text)) }),
		certificate("64 KiB of subject", "", func(h *hostile) (string, string) { return issue(h, named(strings.Repeat("x;{}\n", 2000))) }),
		certificate("names with an injection", "", func(h *hostile) (string, string) {
			return issue(h, pki.With(func(c *x509.Certificate) {
				c.DNSNames = append(c.DNSNames, "a;{}.example", "*.$host", "include", "tls.witness.example", "*")
			}))
		}),
		certificate("names with lines", "", func(h *hostile) (string, string) {
			return issue(h, pki.With(func(c *x509.Certificate) { c.DNSNames = append(c.DNSNames, text) }))
		}),
		certificate("10,000 names", "", func(h *hostile) (string, string) {
			return issue(h, pki.With(func(c *x509.Certificate) {
				for i := range 1500 {
					c.DNSNames = append(c.DNSNames, fmt.Sprintf("n%d.hostile.example", i))
				}
			}))
		}),
		certificate("nothing of PEM", "holds no PEM block", func(*hostile) (string, string) { return text, text }),
		certificate("key of another", "not that of the certificate", func(h *hostile) (string, string) {
			chain, _ := issue(h)
			_, key := issue(h)
			return chain, key
		}),
		certificate("chain of 50", "at most", func(h *hostile) (string, string) {
			chain, key := issue(h)
			return strings.Repeat(chain, 50), key
		}),
		certificate("1 MiB", "longer than", func(h *hostile) (string, string) {
			chain, key := issue(h)
			return chain + strings.Repeat("x", 1<<20), key
		}),
		certificate("key of 1 MiB", "longer than", func(h *hostile) (string, string) {
			chain, key := issue(h)
			return chain, key + strings.Repeat("x", 1<<20)
		}),
		certificate("RSA with 16,384 bits", "16384", huge),
		certificate("path in place of a certificate", "holds no PEM block", func(*hostile) (string, string) { return "/etc/passwd", "engine:x:y" }),
		certificate("damaged", "damaged", func(h *hostile) (string, string) {
			chain, key := issue(h)
			return strings.Replace(chain, "\n", "\n;{}", 2), key
		}),
		{name: "expired", make: func(h *hostile) {
			chain, key := h.w.ca.Server(h.t, []string{tlsHost}, pki.Expires(time.Now().Add(-time.Minute)))
			h.add(secret("hostile", "routing", "ssl.crt", chain, "ssl.key", key))
			h.host(quoted(tlsHost) + ": " + overTLS)
		}, told: []string{"Namespace/hostile|" + tlsHost + "|expired on"}},
		{name: "clients' authority with an injection", harmless: true, make: func(h *hostile) {
			chain, key := issue(h)
			h.add(secret("hostile", "routing", "ssl.crt", chain, "ssl.key", key, "ca", text+"\n"+pki.NewAuthority(h.t, text, lasting()).PEM()))
			h.host(quoted(tlsHost) + ": " + strings.Replace(overTLS, `{"ssl": {`, `{"ssl": {"clientCertificate": {"valueFrom": {"secretKeyRef": {"key": "ca"}}}, `, 1))
		}, wants: append([]want{{host: tlsHost, uri: "/good", status: http.StatusBadRequest, tls: true}}, good...)},
		{name: "many of the same certificate", maybe: true, make: func(h *hostile) {
			chain, key := h.w.ca.Server(h.t, []string{"*.hostile.example"}, lasting())
			h.add(secret("hostile", "routing", "ssl.crt", chain, "ssl.key", key))
			var members []string
			for i := range 90 {
				members = append(members, fmt.Sprintf(`"t%d.hostile.example": %s`, i, overTLS))
			}
			h.host(strings.Join(members, ", "))
		}, wants: append([]want{{host: "t0.hostile.example", uri: "/good", pod: "evil", tls: true}, {host: "t89.hostile.example", uri: "/good", pod: "evil", tls: true}}, good...)},
	}
}

// huge makes a certificate with a key that takes a client's and a server's time. The
// key beside it is another, since such a one takes minutes to find.
func huge(h *hostile) (chain, key string) {
	h.t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	n := new(big.Int).SetBit(big.NewInt(1), 16383, 1)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{tlsHost}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &rsa.PublicKey{N: n, E: 65537}, signer)
	if err != nil {
		h.t.Fatal(err)
	}
	_, key = h.w.ca.Server(h.t, []string{tlsHost})
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), key
}
