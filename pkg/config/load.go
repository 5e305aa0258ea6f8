package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config/internal/parse"
)

// ErrHelp is returned by Load if the arguments ask for help.
var ErrHelp = pflag.ErrHelp

// The commands that Load knows.
const (
	CommandRun     = "run"
	CommandRender  = "render"
	CommandNginx   = "nginx"
	CommandVersion = "version"
)

// takes reports whether a command has the setting.
func takes(command string, s setting) bool {
	switch command {
	case CommandRun:
		return true
	case CommandRender:
		return slices.Contains(rendered(), s.group)
	case CommandNginx:
		return s.group == groupLogging || slices.Contains([]string{"NGINX_BINARY", "SSL_CERT_DIR", "WORK_DIR", "SHUTDOWN_GRACE", "SERVE_STALE"}, s.env)
	case CommandVersion:
		return s.env == "NGINX_BINARY"
	}
	return false
}

// rendered are the groups that a configuration depends on.
func rendered() []group { return []group{groupRouting, groupKeys, groupNginx, groupTLS} }

// purpose is a hash of the settings that say what is served, and from where it is
// known. Those that don't, like the level of logging, have no part in it.
func purpose(table []setting, values map[string]string) string {
	hash := sha256.New()
	for _, s := range table {
		if slices.Contains(rendered(), s.group) || slices.Contains([]string{"SOURCE", "KUBECONFIG", "KUBE_HOST"}, s.env) {
			fmt.Fprintf(hash, "%s=%q\n", s.env, values[s.env])
		}
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:16])
}

// Load reads the settings of a command, args[0], from the arguments that follow
// it, else from environ ("NAME=value"; an empty value counts as not set), else
// from the defaults. The error lists every invalid value, one a line; it is
// ErrHelp if the arguments ask for help.
func Load(args, environ []string) (*Config, error) {
	if len(args) == 0 || !slices.Contains([]string{CommandRun, CommandRender, CommandNginx, CommandVersion}, args[0]) {
		return nil, errors.New("no such command: see 'dispatcher --help'")
	}
	c := new(Config)
	table := settings(c)
	flags := newFlags(args[0], c, table)
	if err := parseFlags(flags, args); err != nil {
		return nil, err
	}

	given := map[string]string{}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && value != "" {
			given[name] = value
		}
	}
	if parse.IsRootsDir(given["SSL_CERT_DIR"]) {
		delete(given, "SSL_CERT_DIR") // it is meant for OpenSSL or Go
	}
	var errs []error
	values := map[string]string{}
	for _, s := range table {
		value := s.def
		if takes(args[0], s) {
			value = choose(flags, given, s)
		}
		values[s.env] = value
		if err := s.set(value); err != nil {
			errs = append(errs, fmt.Errorf("%s (--%s): %s %w", s.env, s.flag(), shown(value), err))
		}
	}
	if values["SSL_CERT_DIR"] == "" {
		c.SSLCertDir = filepath.Join(c.WorkDir, "ssl")
	}
	c.Purpose = purpose(table, values)
	errs = append(errs, conflicts(c, values)...)
	if args[0] == CommandRender {
		errs = append(errs, checkFiles(c.Files)...)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return c, nil
}

// choose takes the flag's value, else the environment's, else the default.
func choose(flags *pflag.FlagSet, environ map[string]string, s setting) string {
	if f := flags.Lookup(s.flag()); f.Changed {
		return f.Value.String()
	}
	if value, ok := environ[s.env]; ok {
		return value
	}
	return s.def
}

// newFlags declares a command's flags, all of them text: values are parsed
// later, so that one wrong value doesn't hide the next.
func newFlags(command string, c *Config, table []setting) *pflag.FlagSet {
	flags := renderFlags(command, c)
	for _, s := range table {
		if takes(command, s) {
			flags.String(s.flag(), s.def, s.help)
			if s.arg == "" {
				flags.Lookup(s.flag()).NoOptDefVal = "true"
			}
		}
	}
	return flags
}

// renderFlags has what only the command line can say, and only to render.
func renderFlags(command string, c *Config) *pflag.FlagSet {
	flags := pflag.NewFlagSet(command, pflag.ContinueOnError)
	flags.Usage = func() {} // help is printed by whoever gets ErrHelp
	if command == CommandRender {
		flags.StringArrayVarP(&c.Files, "file", "f", nil, "Manifests: a file, a folder, or - for standard input. Repeatable; at least one.")
		flags.BoolVar(&c.Strict, "strict", false, "Exit with status 1 if any entry of the manifests has a problem.")
	}
	return flags
}

func parseFlags(flags *pflag.FlagSet, args []string) error {
	hint := fmt.Sprintf("see 'dispatcher %s --help'", args[0])
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError // only a flag of renderFlags
	)
	switch err := flags.Parse(args[1:]); {
	case err == nil:
	case errors.Is(err, ErrHelp):
		return ErrHelp
	case errors.As(err, &unknown):
		return fmt.Errorf("unknown flag %s: %s", spelled(unknown), hint)
	case errors.As(err, &missing):
		return fmt.Errorf("flag %s needs a value: %s", spelled(missing), hint)
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s: %s is not a boolean: give true or false", invalid.GetFlag().Name, shown(invalid.GetValue()))
	default:
		return fmt.Errorf("unreadable flags %s: %s", cluster.Quote(err.Error()), hint)
	}
	if flags.NArg() == 0 {
		return nil
	}
	arg := flags.Arg(0)
	switch {
	case arg == "true" || arg == "false":
		hint = "give a boolean flag its value with '=', like --access-log=false"
	case args[0] == CommandRender:
		hint = "give each manifest file or folder with -f"
	}
	return fmt.Errorf("unexpected argument %s: %s", cluster.Quote(arg), hint)
}

// spelled is a flag as it was written, which pflag's errors tell.
func spelled(err interface {
	GetSpecifiedName() string
	GetSpecifiedShortnames() string
}) string {
	if letters := err.GetSpecifiedShortnames(); letters != "" {
		return cluster.Quote("-" + letters)
	}
	return cluster.Quote("--" + err.GetSpecifiedName())
}

// conflicts checks what no single value can tell. A value that was invalid
// itself is still zero in c and is not blamed twice.
func conflicts(c *Config, values map[string]string) []error {
	var errs []error
	names := []struct{ env, name string }{
		{"HOSTS_ANNOTATION", c.HostsAnnotation},
		{"PATHS_ANNOTATION", c.PathsAnnotation},
		{"AUTH_ANNOTATION", c.AuthAnnotation},
	}
	for i, a := range names {
		for _, b := range names[:i] {
			if a.name != "" && a.name == b.name {
				errs = append(errs, fmt.Errorf("%s and %s: both are %s: give each its own name", b.env, a.env, shown(a.name)))
			}
		}
	}
	if c.Port != 0 && c.Port == c.SSLPort {
		errs = append(errs, fmt.Errorf("PORT (--port) and SSL_PORT (--ssl-port): both are %d: give two different ports", c.Port))
	}
	if c.Endpoints != EndpointsReload {
		errs = append(errs, resolverConflicts(c)...)
	}
	if cert, key := values["SSL_CERT"], values["SSL_KEY"]; (cert == "") != (key == "") {
		errs = append(errs, errors.New("SSL_CERT (--ssl-cert) and SSL_KEY (--ssl-key): only one is given: give both or neither"))
	}
	for _, file := range []struct{ name, path string }{
		{"SSL_CERT (--ssl-cert)", c.SSLCert},
		{"SSL_KEY (--ssl-key)", c.SSLKey},
	} {
		if inSubfolder(file.path, c.SSLCertDir) {
			errs = append(errs, fmt.Errorf("%s: %s is in a sub-folder of SSL_CERT_DIR (--ssl-cert-dir), %s, and these belong to hosts: "+
				"move the file, into that folder itself for example, or give another folder", file.name, shown(file.path), shown(c.SSLCertDir)))
		}
	}
	return errs
}

// resolverConflicts finds who else wants the two ports of RESOLVER_ADDR.
func resolverConflicts(c *Config) []error {
	_, admin, _ := net.SplitHostPort(c.AdminAddr)
	adminPort, _ := strconv.Atoi(admin)
	var errs []error
	for _, other := range []struct {
		name string
		port int
	}{{"PORT (--port)", c.Port}, {"SSL_PORT (--ssl-port)", c.SSLPort}, {"ADMIN_ADDR (--admin-addr)", adminPort}} {
		if first := int(c.Resolver.Port()); other.port > 0 && (other.port == first || other.port == first+1) {
			errs = append(errs, fmt.Errorf("%s and RESOLVER_ADDR (--resolver-addr), which takes %d and %d: both want port %d: give one of them another",
				other.name, first, first+1, other.port))
		}
	}
	return errs
}

// inSubfolder reports whether a file is below a folder, but not directly in it.
// Both paths are absolute and clean, or empty.
func inSubfolder(file, folder string) bool {
	if file == "" || folder == "" {
		return false
	}
	rel, err := filepath.Rel(folder, filepath.Dir(file))
	return err == nil && rel != "." && filepath.IsLocal(rel)
}

func checkFiles(files []string) []error {
	if len(files) == 0 {
		return []error{errors.New("no manifests are given: name a file or folder with --file (-f), or - for standard input")}
	}
	if slices.Contains(files, "") {
		return []error{errors.New("--file (-f): \"\" is not a path: give a file, a folder, or - for standard input")}
	}
	return nil
}

// password is what may be a user's password or token in a URL.
var password = regexp.MustCompile(`(?s):.*@`)

// shown is a value as an error may show it: quoted, cut and without password.
func shown(value string) string {
	return cluster.Quote(password.ReplaceAllString(value, ":***@"))
}
