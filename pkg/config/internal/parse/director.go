package parse

import (
	"errors"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// ObjectLabel accepts what Kubernetes accepts as the name of a namespace or a Service.
func ObjectLabel(what string) func(string) (string, error) {
	return valid(validation.IsDNS1123Label, "is not the name of a "+what+": give up to 63 lower-case letters, digits and '-'")
}

// PortName accepts what Kubernetes accepts as the name of a Service's port, but for
// plain numbers: who gives one means the port's number.
func PortName(s string) (string, error) {
	return valid(func(s string) []string {
		errs := validation.IsDNS1123Label(s)
		if strings.Trim(s, "0123456789") == "" {
			errs = append(errs, "a number")
		}
		return errs
	}, "is not the name of a port: give the name that the port has in the Service, up to 63 lower-case letters, digits and '-'")(s)
}

// Grace reads a duration of whole seconds up to 15 minutes, which may be none.
func Grace(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > 15*time.Minute || d%time.Second != 0 {
		return 0, errors.New("is not a duration of whole seconds up to 15m: give 0s, or a number with its unit, like 10s or 1m")
	}
	return d, nil
}
