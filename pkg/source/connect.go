package source

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/30x/dispatcher/pkg/source/manifest"
)

// KubeOptions is what the operator has said about the API server. Both may be
// empty.
type KubeOptions struct {
	Kubeconfig string // path of a kubeconfig file, or a list as KUBECONFIG may hold
	Host       string // URL of the API server, as in KUBE_HOST
}

// Connect finds out how to reach the API server: the given kubeconfig, the
// given Host, the cluster this process runs in, or else the current context of
// KUBECONFIG or of the home folder's kubeconfig. A Host replaces the server of
// a kubeconfig and keeps its credentials, which are sent only over https; with
// no kubeconfig there are none. The string says in words which way was chosen.
// Nothing is asked of the server yet.
func Connect(opts KubeOptions) (*rest.Config, string, error) {
	config, how, err := find(opts)
	if err != nil {
		return nil, "", fmt.Errorf("connect to Kubernetes: %w", err)
	}
	config.UserAgent = "dispatcher"
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.QPS, config.Burst = 20, 40 // a few lists and long watches need far less
	config.WarningHandler = rest.NoWarnings{}
	watchful(config)
	fresh(config)
	return config, how, nil
}

func find(opts KubeOptions) (*rest.Config, string, error) {
	server := ""
	if opts.Host != "" {
		u, err := url.Parse(opts.Host)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, "", fmt.Errorf("KUBE_HOST is %+.80q: write a URL like http://127.0.0.1:8001", opts.Host)
		}
		server = manifest.Plain(u.Redacted())
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules() // reads KUBECONFIG
	if list := filepath.SplitList(opts.Kubeconfig); len(list) > 1 {
		rules.Precedence = list
	} else {
		rules.ExplicitPath = opts.Kubeconfig
	}
	rules.WarnIfAllMissing = false
	if opts.Kubeconfig != "" {
		config, how, err := load(rules, opts.Host, server)
		if err != nil {
			return nil, "", fmt.Errorf("%w: give --kubeconfig a kubeconfig file that works with kubectl", err)
		}
		return config, how, nil
	}
	if opts.Host != "" {
		config, how, err := load(rules, opts.Host, server)
		if errors.Is(err, errNoKubeconfig) {
			return &rest.Config{Host: opts.Host}, "API server " + server + ", without credentials", nil
		}
		if err != nil {
			return nil, "", fmt.Errorf("%w: repair or remove this kubeconfig", err)
		}
		return config, how, nil
	}
	config, inCluster := rest.InClusterConfig()
	if inCluster == nil {
		return config, "API server of this cluster, with the Pod's ServiceAccount", nil
	}
	config, how, err := load(rules, "", "")
	if err != nil {
		return nil, "", fmt.Errorf("not from inside a cluster (%w) and not by a kubeconfig (%w): "+
			"set --kubeconfig, KUBECONFIG or KUBE_HOST, or read manifests with --source=PATH", inCluster, err)
	}
	return config, how, nil
}

var errNoKubeconfig = errors.New("no kubeconfig, or an empty one")

// load reads the current context of the kubeconfig that the rules find. host
// replaces its server unless it is empty; shown is host without a password.
func load(rules *clientcmd.ClientConfigLoadingRules, host, shown string) (*rest.Config, string, error) {
	file, err := rules.Load()
	if err != nil {
		return nil, "", fmt.Errorf("read kubeconfig: %s", manifest.Plain(err.Error()))
	}
	if clientcmdapi.IsConfigEmpty(file) {
		return nil, "", errNoKubeconfig
	}
	overrides := &clientcmd.ConfigOverrides{ClusterInfo: clientcmdapi.Cluster{Server: host}}
	config, err := clientcmd.NewNonInteractiveClientConfig(*file, "", overrides, rules).ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("use kubeconfig: %s", manifest.Plain(err.Error()))
	}
	how := fmt.Sprintf("kubeconfig, context %+.80q", file.CurrentContext)
	if host != "" {
		how += ", but API server " + shown
	}
	return config, how, nil
}
