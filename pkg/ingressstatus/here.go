package ingressstatus

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/rand"
)

// ownNamespace is where Kubernetes tells a Pod its Namespace, beside its token.
const ownNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// Here says which replica this process is: the Namespace of POD_NAMESPACE, else of the
// ServiceAccount, and a name that begins with POD_NAME, else with the host's name. Its
// end is new each time, since containers of one Pod may share both.
func Here(getenv func(string) string) (namespace, identity string, err error) {
	return here(getenv, ownNamespace)
}

func here(getenv func(string) string, file string) (namespace, identity string, err error) {
	if namespace = getenv("POD_NAMESPACE"); namespace == "" {
		text, err := os.ReadFile(file)
		if namespace = strings.TrimSpace(string(text)); namespace == "" {
			return "", "", fmt.Errorf("find out Dispatcher's own Namespace: %w: set POD_NAMESPACE to one that may hold its Lease", cmp.Or(err, errors.New("the file is empty")))
		}
	}
	name := getenv("POD_NAME")
	if name == "" {
		if name, err = os.Hostname(); err != nil {
			return "", "", fmt.Errorf("find out this machine's name: %w: set POD_NAME", err)
		}
	}
	return namespace, name + "_" + rand.String(8), nil
}
