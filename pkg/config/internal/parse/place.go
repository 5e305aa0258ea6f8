package parse

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/30x/dispatcher/pkg/route/value"
)

// Port reads a TCP port in plain decimal.
func Port(s string) (int, error) { return Number("a port", 1, 65535)(s) }

// Address reads an IP without zone; IPv4 within IPv6 becomes IPv4.
func Address(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, errors.New("is not an IP: give IPv4 or IPv6 addresses with commas between them, like ::,0.0.0.0")
	}
	return a.Unmap(), nil
}

// Prefix reads a network or a single address. IPv4 within IPv6 is refused:
// nginx compares client addresses in their own family.
func Prefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if a, addrErr := netip.ParseAddr(s); addrErr == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, errors.New("is not a network: give CIDRs or IPs with commas between them, like 10.0.0.0/8,192.0.2.7")
	}
	return p.Masked(), nil
}

// HostPort accepts an address to listen on. The host may be empty, the port 0.
func HostPort(s string) (string, error) {
	host, portText, err := net.SplitHostPort(s)
	_, portErr := Number("", 0, 65535)(portText)
	if err != nil || portErr != nil || (host != "" && !isHost(host)) {
		return "", errors.New("is not an address: give host:port or :port, like 127.0.0.1:9254, [::1]:9254 or :9254")
	}
	return s, nil
}

// Loopback accepts an address of this machine alone, with a port that is not the
// last one.
func Loopback(s string) (netip.AddrPort, error) {
	a, err := netip.ParseAddrPort(s)
	if err != nil || !a.Addr().IsLoopback() || a.Addr().Is4In6() || a.Addr().Zone() != "" || a.Port() == 0 || a.Port() == 65535 {
		return netip.AddrPort{}, errors.New("is not an address of loopback: give an IP and a port from 1 to 65534, like 127.0.0.1:9252 or [::1]:9252")
	}
	return a, nil
}

// Host accepts an IP or a host name.
func Host(s string) (string, error) {
	if !isHost(s) {
		return "", errors.New("is neither an IP nor a host name: give them with commas between them, like 192.0.2.7,entry.example.com")
	}
	return s, nil
}

// isHost accepts an IP, without zone and brackets, or a host name by the rules
// for hosts of routes. A name that ends in a number would be read as an
// IPv4 address by some resolvers, so it must be one.
func isHost(s string) bool {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Zone() == ""
	}
	h, err := value.ParseHost(s)
	if err != nil || h.Wildcard() {
		return false
	}
	last := h.String()[strings.LastIndexByte(h.String(), '.')+1:]
	return strings.Trim(last, "0123456789") != ""
}

// plainURL is an http(s) URL that holds nothing to which nginx gives a meaning.
var plainURL = regexp.MustCompile(`^https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~/-]*)?$`)

// isPlainURL accepts a URL of scheme, host, optional port and path, nothing else.
func isPlainURL(s string) bool {
	if !plainURL.MatchString(s) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil || !isHost(u.Hostname()) || strings.HasSuffix(u.Host, ":") {
		return false
	}
	// An IPv6 address needs its brackets, nothing else may have them.
	if strings.Contains(u.Hostname(), ":") != strings.HasPrefix(u.Host, "[") {
		return false
	}
	if u.Port() != "" {
		_, err = Port(u.Port())
	}
	return err == nil
}

// StatusOrURL accepts a three-digit status, or a URL that is safe in nginx.conf.
func StatusOrURL(s string) (string, error) {
	if _, err := Number("", 100, 999)(s); err != nil && !isPlainURL(s) {
		return "", errors.New("is neither a status nor a URL: give a number from 100 to 999, or http(s)://HOST[:PORT][/PATH] " +
			"without user, query and fragment, the path of letters, digits and . _ ~ / -")
	}
	// A path goes before the request's, and must not run into it.
	if u, err := url.Parse(s); err == nil && u.Host != "" && u.Path != "" && !strings.HasSuffix(u.Path, "/") {
		return s + "/", nil
	}
	return s, nil
}

// APIServer accepts a URL, and makes one of HOST:PORT.
func APIServer(s string) (string, error) {
	full := s
	if !strings.Contains(s, "://") {
		full = "http://" + s // as client-go does
	}
	u, err := url.Parse(full)
	if err != nil || !isPlainURL(full) || (full != s && (u.Port() == "" || u.Path != "")) {
		return "", errors.New("is not the address of an API server: give http(s)://HOST[:PORT][/PATH] without user and query, or HOST:PORT")
	}
	return full, nil
}

var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._~/-]+$`)

// StatusPath accepts a path, not the root, that nginx takes as it is.
func StatusPath(s string) (string, error) {
	segments := s + "/"
	if !plainPath.MatchString(s) || strings.Contains(s, "//") ||
		strings.Contains(segments, "/./") || strings.Contains(segments, "/../") {
		return "", errors.New("is not a path to answer on: give / and letters, digits and . _ ~ / -, without empty or dot segments, like /dispatcher/status")
	}
	return s, nil
}

// Program leaves finding the program to whoever runs it: not every command does.
func Program(s string) (string, error) {
	if _, err := matching(`^[^[:cntrl:]]+$`, "is not a program: give a name on PATH, or a path")(s); err != nil {
		return "", err
	}
	if !strings.ContainsRune(s, filepath.Separator) {
		return s, nil
	}
	return filepath.Abs(s) // it will run in another folder
}

// Kubeconfig leaves reading the file to the Kubernetes client, which also takes
// a list of files and lets some be missing.
func Kubeconfig(s string) (string, error) {
	return matching(`^[^[:cntrl:]]+$`, "is not a file: give the path of a kubectl configuration")(s)
}

// Source accepts the given word and the path of anything that exists.
func Source(word string) func(string) (string, error) {
	return func(s string) (string, error) {
		if s == word {
			return s, nil
		}
		if _, err := os.Stat(s); err != nil {
			return "", fmt.Errorf("can't be read (%w): give %s, or the path of a file or folder that exists", reason(err), word)
		}
		return s, nil
	}
}

// Folder accepts a folder that exists.
func Folder(s string) (string, error) {
	info, err := os.Stat(s)
	if err == nil && !info.IsDir() {
		err = errors.New("it is not a folder")
	}
	if err != nil {
		return "", fmt.Errorf("can't be used (%w): give a folder that exists", reason(err))
	}
	return s, nil
}

// ReadableFile accepts a file that can be opened, as nginx will. Its path becomes absolute,
// because nginx takes others from a folder of its own.
func ReadableFile(s string) (string, error) {
	info, err := os.Stat(s)
	if err == nil && !info.Mode().IsRegular() { // opening a FIFO would wait
		err = errors.New("it is not a regular file")
	}
	if err == nil {
		var f *os.File
		if f, err = os.Open(s); err == nil {
			_ = f.Close() // it was only read from
		}
	}
	if err != nil {
		return "", fmt.Errorf("can't be read (%w): give a file that exists and that this user may read", reason(err))
	}
	return plainAbs(s)
}

// reason is the operating system's word without the path, which the message
// has already.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// AbsoluteFolder accepts an absolute path, which need not exist, and cleans it.
func AbsoluteFolder(s string) (string, error) {
	if !filepath.IsAbs(s) {
		return "", errors.New("is not an absolute path: give a folder that starts with /")
	}
	return plainAbs(s)
}

// maxSocketPath stays below the length of sun_path on every system.
const maxSocketPath = 99 // bytes

// WorkDir makes a folder's path absolute. The folder need not exist, but a unix
// socket must fit in it.
func WorkDir(s string) (string, error) {
	if s == "" {
		return "", errors.New("is not a folder: give its path")
	}
	dir, err := plainAbs(s)
	if err != nil {
		return "", err
	}
	if tail := "/run/control.sock"; len(dir)+len(tail) > maxSocketPath {
		return "", fmt.Errorf("is too long for a unix socket in it: give a folder whose absolute path has at most %d bytes", maxSocketPath-len(tail))
	}
	return dir, nil
}

// plainAbs makes a path absolute. nginx.conf will name it, so it may hold only
// characters that mean nothing to nginx.
func plainAbs(s string) (string, error) {
	abs, err := filepath.Abs(s)
	if err != nil {
		return "", fmt.Errorf("has no absolute path (%w): give an absolute one", err)
	}
	return matching(`^[A-Za-z0-9._~+@=,/-]+$`,
		"has characters that nginx.conf can't hold: give an absolute path of letters, digits and . _ ~ + @ = , / -")(abs)
}

// Files checks which manifests are named: files, folders, or "-".
func Files(files []string) []error {
	if len(files) == 0 {
		return []error{errors.New("no manifests are given: name a file or folder with --file (-f), or - for standard input")}
	}
	if slices.Contains(files, "") {
		return []error{errors.New("--file (-f): \"\" is not a path: give a file, a folder, or - for standard input")}
	}
	return nil
}
