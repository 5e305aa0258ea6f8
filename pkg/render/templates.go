package render

import (
	"fmt"
	"io"
	"text/template"
)

// mainTemplate is the template that everything begins with.
const mainTemplate = "nginx.conf.tmpl"

// Templates are parsed templates.
type Templates struct{ main *template.Template }

// ParseTemplates parses the templates, given by file name. The error names the
// file and line.
func ParseTemplates(files map[string]string) (*Templates, error) {
	root := template.New("").Option("missingkey=error").Funcs(template.FuncMap{
		"pathAfter":     pathAfter,
		"hostParent":    hostParent,
		"printable":     printable,
		"printablePath": printablePath,
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

func (t *Templates) execute(w io.Writer, data any) error {
	if err := t.main.Execute(w, data); err != nil {
		return fmt.Errorf("execute template: %w", err)
	}
	return nil
}
