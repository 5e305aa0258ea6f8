package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// Usage writes the help of a command that Load knows: its flags by group, each
// with environment name and default. The error is the writer's.
func Usage(w io.Writer, command string) error {
	var b bytes.Buffer
	switch command {
	case CommandRun:
		b.WriteString("Usage: dispatcher run [flags]\n\nWatches a cluster or manifests, and serves what they ask for through nginx.\n")
	case CommandRender:
		b.WriteString("Usage: dispatcher render -f PATH... [flags]\n\nPrints the nginx.conf that manifests give, and their problems on stderr.\n")
		b.WriteString("\nInput:\n")
		renderFlags(command, new(Config)).VisitAll(func(f *pflag.Flag) { writeFlag(&b, renderFlag(f), f.Usage) })
	case CommandNginx:
		b.WriteString("Usage: dispatcher nginx [flags]\n\nRuns nginx for a 'dispatcher run --mode=sidecar' in another container, without\naccess to the cluster. Both need the same WORK_DIR, SSL_CERT_DIR and group.\n")
	case CommandVersion:
		b.WriteString("Usage: dispatcher version [flags]\n\nPrints the versions of Dispatcher, Go and nginx.\n")
	}
	for _, g := range groups() {
		heading := fmt.Sprintf("\n%s:\n", g)
		for _, s := range settings(new(Config)) {
			if s.group != g || !takes(command, s) {
				continue
			}
			b.WriteString(heading)
			heading = "" // once, and only above a flag
			writeFlag(&b, strings.TrimSpace("--"+s.flag()+" "+s.arg), fmt.Sprintf("%s [%s]", s.help, origin(s)))
		}
	}
	b.WriteString("\nA flag beats its environment variable; an empty variable counts as not set.\n")
	_, err := w.Write(b.Bytes())
	return err
}

func writeFlag(b *bytes.Buffer, flag, help string) {
	fmt.Fprintf(b, "  %s\n%s", flag, wrap(help, "        "))
}

func renderFlag(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return fmt.Sprintf("-%s, --%s PATH", f.Shorthand, f.Name)
	}
	return "--" + f.Name
}

func origin(s setting) string {
	if s.def == "" {
		return s.env
	}
	return s.env + ", default " + s.def
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

// WriteMarkdown writes the reference page of all settings. The error is the
// writer's.
func WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(intro)
	for _, g := range groups() {
		fmt.Fprintf(&b, "\n## %s\n\n", g)
		b.WriteString("| Flag | Environment | Default | Meaning |\n|---|---|---|---|\n")
		for _, s := range settings(new(Config)) {
			if s.group == g {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n",
					code(strings.TrimSpace("--"+s.flag()+" "+s.arg)), code(s.env), code(s.def), s.help)
			}
		}
	}
	b.WriteString("\n## Only for `dispatcher render`\n\nThese have no environment variable.\n\n| Flag | Meaning |\n|---|---|\n")
	renderFlags(CommandRender, new(Config)).VisitAll(func(f *pflag.Flag) {
		fmt.Fprintf(&b, "| %s | %s |\n", code(renderFlag(f)), f.Usage)
	})
	_, err := w.Write(b.Bytes())
	return err
}

// code is text as code in a cell of a table; nothing for nothing.
func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(s, "|", `\|`) + "`"
}

const intro = `<!-- Generated from the table in pkg/config/settings.go. After a change there: UPDATE=1 make test -->

# Configuration

Every setting is a flag and an environment variable. The flag beats the variable, the variable beats the default.

- An environment variable that is set to the empty string counts as not set. A flag may be set to the empty string
  where the default is empty: ` + "`--trusted-proxies=`" + ` trusts nobody, whatever the environment says.
- A boolean flag takes its value with ` + "`=`" + `: ` + "`--access-log=false`" + `. Without a value it is true.
- Durations have a unit, as in ` + "`90s`" + `, ` + "`5m`" + ` or ` + "`1h30m`" + `.
- Invalid values stop the start, and all of them are reported at once: the name, the value and what is allowed.
- Kubernetes sets variables such as ` + "`SSL_PORT=tcp://10.0.0.1:80`" + ` in Pods for a Service named ` + "`ssl`" + ` in their namespace.
  ` + "`enableServiceLinks: false`" + ` in the Pod's spec keeps them out.
- ` + "`SSL_CERT_DIR`" + ` is also the name under which OpenSSL and Go look for root certificates, and some systems set it for them:
  a variable that names a folder of the system for these, like ` + "`/etc/ssl/certs`" + `, counts as not set, and
  ` + "`--ssl-cert-dir`" + ` refuses such a folder.

` + "`dispatcher run`" + ` takes all settings, ` + "`dispatcher render`" + ` those of Routing, API keys, nginx and TLS,
` + "`dispatcher version`" + ` takes ` + "`NGINX_BINARY`" + `, and ` + "`dispatcher nginx`" + ` takes what its ` + "`--help`" + ` lists. A command ignores the environment variables of settings that it doesn't take.
`
