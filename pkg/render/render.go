package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/30x/dispatcher/pkg/route"
)

// Marker is the first line of every nginx.conf that Render makes. It tells
// Dispatcher's files from others.
const Marker = "# Written by Dispatcher"

// placeholder stands for the generation while the text is made, since that is
// derived from the text. Nothing from the cluster can hold a NUL byte.
const placeholder = "\x00generation\x00"

// Render lays out the Table as a configuration of nginx. The same input gives
// the same bytes. It fails only if a template does; with the default templates
// it does not.
func Render(t *route.Table, p Params) (Files, error) {
	var text bytes.Buffer
	n := t.Counts()
	text.Grow(8<<10 + 512*(n.Hosts+n.Locations) + 64*n.Endpoints) // about what it will be
	fmt.Fprintf(&text, "%s, generation %s. Changes to this file are lost.\n", Marker, placeholder)
	if err := p.Templates.execute(&text, newPage(t, p)); err != nil {
		return Files{}, err
	}
	if bytes.Count(text.Bytes(), []byte(placeholder)) < 2 {
		return Files{}, errors.New("the templates leave out the control server, which confirms reloads: " +
			"include {{template \"control-server.tmpl\" .}} in the http block")
	}
	sum := sha256.Sum256(text.Bytes())
	generation := hex.EncodeToString(sum[:8])
	return Files{
		Generation: generation,
		Conf:       bytes.ReplaceAll(text.Bytes(), []byte(placeholder), []byte(generation)),
	}, nil
}
