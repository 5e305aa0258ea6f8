package source

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func kubeconfig(t *testing.T, server string) string {
	path := filepath.Join(t.TempDir(), "config")
	write(t, path, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: c, user: u}}, {name: other, context: {cluster: none, user: u}}]
clusters: [{name: c, cluster: {server: "%s"}}]
users: [{name: u, user: {token: secret-token}}]
`, server))
	return path
}

func TestConnect(t *testing.T) {
	flag, environment := kubeconfig(t, "https://flag"), kubeconfig(t, "https://environment")
	none := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct {
		name             string
		opts             KubeOptions
		env              string // KUBECONFIG
		host, token, how string
	}{
		{"the flag comes first", KubeOptions{Kubeconfig: flag}, environment, "https://flag", "secret-token", `kubeconfig, context "here"`},
		{"then the environment", KubeOptions{}, environment, "https://environment", "secret-token", `kubeconfig, context "here"`},
		{"a host alone", KubeOptions{Host: "http://127.0.0.1:8001"}, none, "http://127.0.0.1:8001", "", "API server http://127.0.0.1:8001, without credentials"},
		{"a host with a kubeconfig", KubeOptions{Host: "https://h:1"}, environment, "https://h:1", "secret-token", `kubeconfig, context "here", but API server https://h:1`},
		{"no token in the clear", KubeOptions{Host: "http://h"}, environment, "http://h", "", `kubeconfig, context "here", but API server http://h`},
		{"a list of files", KubeOptions{Kubeconfig: none + ":" + flag}, environment, "https://flag", "secret-token", `kubeconfig, context "here"`},
		{"a host with the flag", KubeOptions{Kubeconfig: flag, Host: "https://h"}, environment, "https://h", "secret-token", `kubeconfig, context "here", but API server https://h`},
		{"a password in a host", KubeOptions{Host: "http://me:pass@h"}, none, "http://me:pass@h", "", "API server http://me:xxxxx@h, without credentials"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", tc.env)
			t.Setenv("KUBERNETES_SERVICE_HOST", "")
			config, how, err := Connect(tc.opts)
			if err != nil {
				t.Fatal(err)
			}
			if config.Host != tc.host || config.BearerToken != tc.token || how != tc.how {
				t.Errorf("got %s, token %q, %q; want %s, token %q, %q", config.Host, config.BearerToken, how, tc.host, tc.token, tc.how)
			}
			if config.UserAgent != "dispatcher" || config.ContentType != "application/vnd.kubernetes.protobuf" || config.QPS <= 0 || config.Burst <= 0 {
				t.Errorf("user agent %q, content type %q, %v queries/s, burst %d", config.UserAgent, config.ContentType, config.QPS, config.Burst)
			}
		})
	}
}

func TestConnectErrors(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	broken := filepath.Join(t.TempDir(), "broken")
	write(t, broken, "kind: [")
	for _, tc := range []struct {
		name string
		opts KubeOptions
		env  string
		want []string
	}{
		{"nothing at all", KubeOptions{}, none, []string{"not from inside a cluster", "no kubeconfig", "set --kubeconfig, KUBECONFIG or KUBE_HOST", "--source=PATH"}},
		{"the flag's file is missing", KubeOptions{Kubeconfig: none}, "", []string{"none", "give --kubeconfig"}},
		{"the flag's file is broken", KubeOptions{Kubeconfig: broken}, "", []string{"broken", "give --kubeconfig"}},
		{"the environment's file is broken", KubeOptions{}, broken, []string{"broken", "set --kubeconfig"}},
		{"broken, with a host", KubeOptions{Host: "http://h"}, broken, []string{"broken", "repair or remove"}},
		{"a host without scheme", KubeOptions{Host: "127.0.0.1:8001\n"}, none, []string{`KUBE_HOST is "127.0.0.1:8001\n"`, "write a URL like"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("KUBECONFIG", tc.env)
			t.Setenv("KUBERNETES_SERVICE_HOST", "")
			_, _, err := Connect(tc.opts)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(tc.want, "connect to Kubernetes: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in the error: %v", want, err)
				}
			}
		})
	}
}
