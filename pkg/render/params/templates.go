package params

import (
	"fmt"
	"io"
	"text/template"

	"github.com/30x/dispatcher/pkg/render/regex"
)

// mainTemplate is the template that everything begins with.
const mainTemplate = "nginx.conf.tmpl"

// Templates are parsed templates.
type Templates struct{ main *template.Template }

// ParseTemplates parses the templates, given by file name. The error names the
// file and line.
func ParseTemplates(files map[string]string) (*Templates, error) {
	root := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"pathAfter":     regex.PathAfter,
		"hostParent":    regex.HostParent,
		"askedHost":     regex.AskedHost,
		"keySegment":    regex.KeySegment,
		"keyLabel":      regex.KeyLabel,
		"printable":     regex.Printable,
		"printablePath": regex.PrintablePath,
	})
	for name, text := range files {
		if _, err := root.New(name).Parse(text); err != nil {
			return nil, fmt.Errorf("parse template: %w", err)
		}
	}
	main := root.Lookup(mainTemplate)
	if main == nil {
		return nil, fmt.Errorf("parse templates: there is no %s", mainTemplate)
	}
	return &Templates{main}, nil
}

// Execute writes what the templates make of a page. The error names the file and line.
func (t *Templates) Execute(w io.Writer, data any) error {
	if err := t.main.Execute(w, data); err != nil {
		return fmt.Errorf("execute template: %w", err)
	}
	return nil
}
