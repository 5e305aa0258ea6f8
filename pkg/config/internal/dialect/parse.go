package dialect

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/30x/dispatcher/pkg/cluster"
	"github.com/30x/dispatcher/pkg/config/internal/parse"
	"github.com/30x/dispatcher/pkg/route/option"
	"github.com/30x/dispatcher/pkg/route/value"
)

// none is the word for no class and no ConfigMap: an empty environment variable
// counts as not set.
const none = "none"

func class(s string) (string, error) {
	if s == none || s == "" {
		return "", nil
	}
	if len(validation.IsDNS1123Subdomain(s)) > 0 {
		return "", errors.New("is not the name of an IngressClass: give up to 253 lower-case letters, digits, '-' and '.', or none")
	}
	return s, nil
}

// controller accepts what Kubernetes accepts as the controller of an IngressClass.
func controller(s string) (string, error) {
	if len(s) > 250 || len(validation.IsDomainPrefixedPath(field.NewPath("controller"), s)) > 0 {
		return "", errors.New("is not the name of a controller: give DOMAIN/PATH, like example.com/ingress")
	}
	return s, nil
}

// prefix accepts what makes the name of an annotation before each option's name.
func prefix(s string) (string, error) {
	for _, f := range option.Fields() {
		if _, err := parse.QualifiedName(s + f.Name); err != nil {
			return "", fmt.Errorf("can't stand before an option's name, like %s: give DOMAIN/ or DOMAIN/TEXT, like example.com/", f.Name)
		}
	}
	return s, nil
}

func overrides(s string) ([]string, error) {
	if s == none || s == "" {
		return nil, nil
	}
	names, err := parse.ListOf(func(s string) (string, error) {
		if s != "*" && len(validation.IsDNS1123Subdomain(s)) > 0 {
			return "", errors.New("is not the name of a ConfigMap: give names of up to 253 lower-case letters, digits, '-' and '.', * or none")
		}
		return s, nil
	})(s)
	if slices.Contains(names, "*") {
		names = []string{"*"}
	}
	return names, err
}

// pattern accepts a host name, a wildcard of one, or "*".
func pattern(s string) (string, error) {
	if s == "*" {
		return s, nil
	}
	h, err := value.ParseHost(s)
	if err != nil {
		return "", errors.New("is not a name outside the cluster: give names like api.example.com or *.example.com, or *")
	}
	return h.String(), nil
}

func service(s string) (string, error) {
	namespace, name, _ := strings.Cut(s, "/")
	_, err := parse.ObjectLabel("namespace")(namespace)
	if _, nameErr := parse.ObjectLabel("Service")(name); err != nil || nameErr != nil {
		return "", errors.New("is not a Service: give NAMESPACE/NAME")
	}
	return s, nil
}

// Conflicts tells of settings that exclude each other. tls is whether SSL_CERT is
// given; taken are the names of all other annotations by their setting.
func (s *Settings) Conflicts(tls bool, taken map[string]string) (errs []error) {
	if s.IngressTLS && !tls {
		errs = append(errs, errors.New("INGRESS_TLS (--ingress-tls): it needs TLS: give SSL_CERT and SSL_KEY, too, or leave it off"))
	}
	if s.IngressTLS && s.IngressClass == "" {
		errs = append(errs, errors.New("INGRESS_TLS (--ingress-tls) and INGRESS_CLASS (--ingress-class): no Ingress is read: give a class, or leave INGRESS_TLS off"))
	}
	for _, name := range s.MicroserviceHostsAnnotations {
		if slices.Contains(s.MicroservicePathsAnnotations, name) {
			errs = append(errs, fmt.Errorf("MICROSERVICE_HOSTS_ANNOTATIONS and MICROSERVICE_PATHS_ANNOTATIONS: both have %s: give each its own names", cluster.Quote(name)))
		}
	}
	for _, row := range []struct {
		env   string
		names []string
	}{{"MICROSERVICE_HOSTS_ANNOTATIONS", s.MicroserviceHostsAnnotations}, {"MICROSERVICE_PATHS_ANNOTATIONS", s.MicroservicePathsAnnotations}} {
		for _, name := range row.names {
			if other := taken[name]; other != "" {
				errs = append(errs, fmt.Errorf("%s and %s: both have %s: give each its own name", other, row.env, cluster.Quote(name)))
			}
		}
	}
	return errs
}
