// Package message reads what nginx says. Output of nginx enters; messages fit
// for one line of a log, and advice, leave. It never interprets more of the
// output than where a message begins and which line it is about.
package message

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var (
	emergency = regexp.MustCompile(`(?m)\[emerg\] (?:\d+#\d+: )?(.*)$`)
	// An error number stands before the system's words for it.
	systemCall = regexp.MustCompile(` failed \(\d+: `)
	location   = regexp.MustCompile(`^(.*) in (/.+):(\d+)$`)
)

// Emergencies gives nginx's messages of that level, each once, without time
// and process id.
func Emergencies(output string) []string {
	var found []string
	for _, m := range emergency.FindAllStringSubmatch(output, -1) {
		if !slices.Contains(found, m[1]) {
			found = append(found, m[1])
		}
	}
	return found
}

// Locate splits the place that nginx names at a message's end from the rest.
// Without a place, path is "" and line is 0.
func Locate(message string) (rest, path string, line int) {
	m := location.FindStringSubmatch(message)
	if m == nil {
		return message, "", 0
	}
	line, err := strconv.Atoi(m[3])
	if err != nil {
		return message, "", 0
	}
	return m[1], m[2], line
}

// Passing reports whether a message is about the machine and not about the text
// of a configuration: a system call that failed, or a name that does not resolve.
func Passing(message string) bool {
	return strings.Contains(message, "host not found") || systemCall.MatchString(message)
}

// Tidy makes foreign words fit for one line: printable, and no longer than 300
// characters.
func Tidy(s string) string {
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s))
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}

// Hint says what to do about a message of nginx.
func Hint(message string) string {
	switch {
	case strings.Contains(message, "Address already in use"):
		return "end the program that holds the port, or choose another port"
	case strings.Contains(message, "bind()") && strings.Contains(message, "Permission denied"):
		return "choose a port above 1023, or allow nginx NET_BIND_SERVICE"
	case strings.Contains(message, "Cannot assign requested address"):
		return "listen on an address that this machine has"
	case strings.Contains(message, "Too many open files"):
		return "raise the limit of open files"
	default:
		return "look at nginx's messages in the log, and at the objects that changed last"
	}
}
