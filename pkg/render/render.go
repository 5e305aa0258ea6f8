package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/route"
	"github.com/30x/dispatcher/pkg/route/value"
)

// Marker is the first line of every nginx.conf that Render makes. It tells
// Dispatcher's files from others.
const Marker = "# Written by Dispatcher"

// mark delimits what is filled in after the templates: nothing from the cluster
// can hold a NUL byte. Templates see only a number between two marks in the
// place of an API key, so no template can show one where it must not be seen.
const mark = "\x00"

// placeholder stands for the generation while the text is made, since that is
// derived from the text.
const placeholder = mark + "generation" + mark

// Render lays out the Table as a configuration of nginx. The same input gives
// the same bytes. It fails only if a template does; with the default templates
// it does not.
func Render(t *route.Table, p Params) (Files, error) {
	var text bytes.Buffer
	n := t.Counts()
	text.Grow(8<<10 + 512*(n.Hosts+n.Locations+n.Members) + 64*n.Endpoints) // about what it will be
	fmt.Fprintf(&text, "%s, generation %s. Changes to this file are lost.\n", Marker, placeholder)
	if p.Default == nil && slices.ContainsFunc(t.Hosts, func(h *route.VirtualHost) bool { return h.TLS != nil }) {
		return Files{}, errors.New("there are hosts with TLS, but no default certificate")
	}
	if slices.ContainsFunc(t.Hosts, func(h *route.VirtualHost) bool { return isCatchAll(h) && h.TLS != nil }) {
		return Files{}, errors.New("hosts that nobody declares can have no TLS options")
	}
	page := newPage(t, p)
	if page.HasHTTPS && p.BackendCA == "" {
		return Files{}, errors.New("there are paths with https, but nothing to verify certificates by")
	}
	if err := p.Templates.Execute(&text, page); err != nil {
		return Files{}, err
	}
	if bytes.Count(text.Bytes(), []byte(placeholder)) < 2 {
		return Files{}, errors.New("the templates leave out the control server, which confirms reloads: " +
			"include {{template \"control-server.tmpl\" .}} in the http block")
	}
	if page.HasHTTPS && !bytes.Contains(text.Bytes(), []byte("\n  proxy_ssl_verify on;\n")) {
		return Files{}, errors.New("the templates leave out what verifies those who serve paths with https: " +
			"include {{template \"backend-tls.tmpl\" .}} in the http block")
	}
	// Text and placeholders alternate.
	parts := bytes.Split(text.Bytes(), []byte(mark))
	sum := sha256.New()
	for _, b := range fill(parts, "", page.keys, value.Key.Reveal) {
		sum.Write(b)
	}
	files := Files{Generation: hex.EncodeToString(sum.Sum(nil)[:8]), Certificates: page.files}
	files.Conf = bytes.Join(fill(parts, files.Generation, page.keys, value.Key.Reveal), nil)
	files.Masked = files.Conf
	for _, k := range page.keys {
		files.Secrets = append(files.Secrets, cluster.Sensitive(k.Reveal()))
	}
	if len(page.keys) > 0 {
		files.Masked = bytes.Join(fill(parts, files.Generation, page.keys, value.Key.String), nil)
	}
	return files, nil
}

// fill puts the generation and the keys in the place of their placeholders,
// which are the parts with odd numbers.
func fill(parts [][]byte, generation string, keys []value.Key, show func(value.Key) string) [][]byte {
	out := slices.Clone(parts)
	for i := 1; i < len(out); i += 2 {
		if n, err := strconv.Atoi(string(out[i])); err == nil && n < len(keys) {
			out[i] = []byte(show(keys[n]))
		} else {
			out[i] = []byte(generation)
		}
	}
	return out
}
