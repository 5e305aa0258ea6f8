package table

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// WriteHelp writes the settings of a group under its heading; nothing if it has none.
func WriteHelp(b *bytes.Buffer, g Group, settings []Setting) {
	heading := fmt.Sprintf("\n%s:\n", g)
	for _, s := range settings {
		if s.Group == g {
			b.WriteString(heading)
			heading = "" // once, and only above a flag
			writeFlag(b, strings.TrimSpace("--"+s.Flag()+" "+s.Arg), fmt.Sprintf("%s [%s]", s.Help, s.Origin()))
		}
	}
}

// WriteFlags writes flags that are no settings.
func WriteFlags(b *bytes.Buffer, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) { writeFlag(b, name(f), f.Usage) })
}

func writeFlag(b *bytes.Buffer, flag, help string) {
	fmt.Fprintf(b, "  %s\n%s", flag, wrap(help, "        "))
}

func name(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return fmt.Sprintf("-%s, --%s PATH", f.Shorthand, f.Name)
	}
	return "--" + f.Name
}

// wrap lays text out in indented lines of at most 80 columns.
func wrap(text, indent string) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		if line != indent && len(line)+1+len(word) > 80 {
			b.WriteString(line + "\n")
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
}

// WriteMarkdown writes the settings of a group as a section with a table.
func WriteMarkdown(b *bytes.Buffer, g Group, settings []Setting) {
	fmt.Fprintf(b, "\n## %s\n\n", g)
	b.WriteString("| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n")
	for _, s := range settings {
		if s.Group == g {
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n",
				code(strings.TrimSpace("--"+s.Flag()+" "+s.Arg)), code(s.Env), code(s.Def), s.Help)
		}
	}
}

// WriteMarkdownFlags writes flags that are no settings as a table.
func WriteMarkdownFlags(b *bytes.Buffer, flags *pflag.FlagSet) {
	b.WriteString("| Flag | Meaning |\n|---|---|\n")
	flags.VisitAll(func(f *pflag.Flag) { fmt.Fprintf(b, "| %s | %s |\n", code(name(f)), f.Usage) })
}

// code is text as code in a cell of a table; nothing for nothing.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}
