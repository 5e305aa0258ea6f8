package option

import (
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes the reference page of all options.
func WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Options of a path

<!-- Made from the table in pkg/route/option by the tests (UPDATE=1 make test); changes by hand are lost. -->

A path may ask for these, in either of two forms:

- as a field of a path entry of a Pod: ` + "`" + `{"basePath": "/app", "containerPort": 8080, "policy": "one"}` + "`" + `;
- as an annotation of a Service or an Ingress, after the prefix that ` + "`OPTIONS_PREFIX`" + ` sets:
  ` + "`github.com/30x.dispatcher.policy: one`" + `. What an Ingress says counts before what its Services say, option by option; of
  source ranges both count.

A value that can't be used is a problem: of a Pod's entry it drops that entry, of an annotation that option alone, unless
it is one that protects: then its paths answer 403 (` + "`auth`, `allowSourceRanges`" + `) or 503 (` + "`policy`," + `
` + "`backendProtocol`, `backendHost`" + `) until it is corrected. An option
that isn't known is told and does nothing, unless its name looks as if it were to say who is let in (a misspelt
` + "`allowSourceRanges`" + `): then the entry is dropped, or the paths answer 403. Where Pods of one path differ, the oldest that sets an option
decides, and the others are told.

| option | for example | what it does |
|---|---|---|
`)
	for _, f := range Fields() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", f.Name, f.Example, strings.ReplaceAll(f.Help, "|", "\\|"))
	}
	b.WriteString(`
Lists may be written as ` + "`\"a,b\"`" + ` or, in a path entry, as ` + "`[\"a\", \"b\"]`" + `. Times are whole seconds, minutes or hours with their unit.
`)
	_, err := io.WriteString(w, b.String())
	return err
}
