// Package parse turns the text of a setting into a checked value. Text enters;
// a value leaves, or an error that continues the sentence which the quoted text
// begins: it says what the text is not, and what to give instead, and does
// not repeat it. Files and folders are looked at, never changed.
package parse

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/render"
)

// Optional lets the empty value through as the zero value.
func Optional[T any](parse func(string) (T, error)) func(string) (T, error) {
	return func(s string) (v T, err error) {
		if s == "" {
			return v, nil
		}
		return parse(s)
	}
}

// Except lets one value through as it is, and the word none as the zero value.
func Except(parse func(string) (string, error), value string) func(string) (string, error) {
	return func(s string) (string, error) {
		switch s {
		case value:
			return s, nil
		case "none":
			return "", nil
		}
		return parse(s)
	}
}

// ListOf parses a comma-separated list; blanks around its elements are
// dropped, as are repetitions. The error names the element.
func ListOf[T comparable](parse func(string) (T, error)) func(string) ([]T, error) {
	return func(s string) ([]T, error) {
		var list []T
		for part := range strings.SplitSeq(s, ",") {
			part = strings.TrimSpace(part)
			v, err := parse(part)
			if err != nil && part != s {
				err = fmt.Errorf("has the element %s, which %w", cluster.Quote(part), err)
			}
			if err != nil {
				return nil, err
			}
			if !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
		return list, nil
	}
}

// OneOf accepts some words as they are.
func OneOf[T ~string](words ...T) func(string) (T, error) {
	return func(s string) (T, error) {
		if slices.Contains(words, T(s)) {
			return T(s), nil
		}
		list := make([]string, len(words))
		for i, w := range words {
			list[i] = string(w)
		}
		last := len(list) - 1
		return "", fmt.Errorf("is unknown: give %s or %s", strings.Join(list[:last], ", "), list[last])
	}
}

// LogLevel reads a level's lower-case name.
func LogLevel(s string) (level slog.Level, err error) {
	if s, err = OneOf("debug", "info", "warn", "error")(s); err == nil {
		err = level.UnmarshalText([]byte(s))
	}
	return level, err
}

// Boolean reads true or false, and the other spellings of strconv.ParseBool.
func Boolean(s string) (bool, error) {
	b, err := strconv.ParseBool(s)
	if err != nil {
		return false, errors.New("is not a boolean: give true or false")
	}
	return b, nil
}

// Number parses plain decimal: no sign, no leading zero.
func Number(what string, least, most int) func(string) (int, error) {
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most || strconv.Itoa(n) != s {
			return 0, fmt.Errorf("is not %s: give a number from %d to %d", what, least, most)
		}
		return n, nil
	}
}

// Duration reads a duration in Go's syntax within both bounds.
func Duration(least, most time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most {
			return 0, fmt.Errorf("is not a duration from %s to %s: give a number with its unit, like 500ms, 2s or 5m", short(least), short(most))
		}
		return d, nil
	}
}

// short writes a duration without its empty parts: 10m, not 10m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Seconds is for times that nginx takes in whole seconds.
func Seconds(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d%time.Second != 0 {
		return 0, errors.New("is not a duration of whole seconds: give 1s or more, like 90s, 5m or 1h30m")
	}
	return d, nil
}

// WorkerProcesses stops at half of the 1024 processes that nginx can keep
// track of: during a reload old and new workers run side by side.
func WorkerProcesses(s string) (string, error) {
	if _, err := Number("", 1, 512)(s); err != nil && s != "auto" {
		return "", errors.New("is not a number of processes: give auto, or a number from 1 to 512")
	}
	return s, nil
}

// Size reads an nginx size that nginx can hold in 63 bits.
func Size(s string) (string, error) {
	digits, limit := s, int64(math.MaxInt64)
	if s != "" {
		if i := strings.IndexByte("kmg", s[len(s)-1]|0x20); i >= 0 {
			digits, limit = s[:len(s)-1], limit>>(10*(i+1))
		}
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || int64(n) > limit {
		return "", errors.New("is not a size: give a number of bytes, or one with k, m or g, like 10m; 0 is no limit")
	}
	return s, nil
}

// NginxVersion reads a version for which configurations can be written.
func NginxVersion(s string) (render.Version, error) {
	v, err := render.ParseVersion(s)
	if err != nil {
		return render.Version{}, fmt.Errorf("is not an nginx version: give one like %s", render.Stable().Version)
	}
	if oldest := render.Oldest(); !v.AtLeast(oldest.Major, oldest.Minor, oldest.Patch) {
		return render.Version{}, fmt.Errorf("is too old: give nginx %s or newer", oldest)
	}
	return v, nil
}

// matching accepts what a pattern matches, unchanged.
func matching(pattern, complaint string) func(string) (string, error) {
	re := regexp.MustCompile(pattern)
	return func(s string) (string, error) {
		if !re.MatchString(s) {
			return "", errors.New(complaint)
		}
		return s, nil
	}
}

// UserName accepts a name of a system user that nginx.conf can hold.
func UserName(s string) (string, error) {
	return matching(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`,
		"is not a user name: give up to 32 letters, digits, '_', '.' and '-'")(s)
}

// HeaderName keeps to characters that every header and nginx's variables have:
// nginx turns each '-' into '_' when it looks a header up.
func HeaderName(s string) (string, error) {
	if regexp.MustCompile(`(?i)^(host|connection|upgrade|x-real-ip|x-request-id|x-forwarded-.*|x-ssl-client-.*|forwarded|proxy|content-length|transfer-encoding)$`).MatchString(strings.ReplaceAll(s, "_", "-")) {
		return "", errors.New("is a header that requests have anyway: give one of your own")
	}
	return matching(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`,
		"is not a header name: give up to 128 letters, digits, '-' and '_', the first a letter or digit")(s)
}

// valid turns a check of the Kubernetes libraries into a parser.
func valid(check func(string) []string, complaint string) func(string) (string, error) {
	return func(s string) (string, error) {
		if len(check(s)) > 0 {
			return "", errors.New(complaint)
		}
		return s, nil
	}
}

// QualifiedName judges a name as it is given and as it will be looked up:
// Kubernetes tells upper case from lower.
func QualifiedName(s string) (string, error) {
	return valid(validation.IsQualifiedName,
		"is not an annotation or label name: give NAME or PREFIX/NAME; the name is up to 63 letters, digits, '-', '_' and '.', "+
			"the prefix a lower-case DNS name")(s)
}

// SecretName accepts what Kubernetes accepts as the name of a Secret.
func SecretName(s string) (string, error) {
	return valid(validation.IsDNS1123Subdomain,
		"is not the name of a Secret: give up to 253 lower-case letters, digits, '-' and '.'")(s)
}

// SecretField accepts what Kubernetes accepts as a key of a Secret's data.
func SecretField(s string) (string, error) {
	return valid(validation.IsConfigMapKey,
		"is not a field of a Secret: give up to 253 letters, digits, '-', '_' and '.'")(s)
}

// Location reads the name and a field of a Secret.
func Location(s string) (out [2]string, err error) {
	name, field, _ := strings.Cut(s, ":")
	_, err = SecretName(name)
	if _, fieldErr := SecretField(field); err != nil || fieldErr != nil {
		return out, errors.New("is not a field of a Secret: give NAME:FIELD, like routing:api-key")
	}
	return [2]string{name, field}, nil
}

// Selector refuses the empty one: it would route the whole cluster.
func Selector(s string) (labels.Selector, error) {
	sel, err := labels.Parse(s)
	if err != nil || sel.Empty() {
		return nil, errors.New("is not a label selector: give at least one requirement, like routable=true or tier in (web,api)")
	}
	return sel, nil
}
