package kube

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/30x/dispatcher/test/internal/process"
)

const (
	patience = 15 * time.Second
	nodeName = "node"
)

// cluster is an API server with its etcd, one Node, and what deploy/base
// describes. The controllers join when a test asks for them.
type cluster struct {
	assets     string // folder of the programs
	folder     string // of the cluster's files
	config     *rest.Config
	client     *kubernetes.Clientset
	kubeconfig string // file of an administrator

	env         *envtest.Environment
	stopped     chan struct{}
	manager     *process.Process // kube-controller-manager
	controllers func() error     // starts it, once
	base        func() error     // applies deploy/base, once
}

// startCluster takes about five seconds. The API server does without the given
// admission plugins.
func startCluster(assets, folder string, without ...string) (*cluster, error) {
	c := &cluster{assets: assets, folder: folder, env: &envtest.Environment{}, stopped: make(chan struct{})}
	c.env.ControlPlaneStartTimeout, c.env.ControlPlaneStopTimeout = time.Minute, time.Minute
	server := c.env.ControlPlane.GetAPIServer()
	server.CertDir = filepath.Join(folder, "apiserver")
	c.env.ControlPlane.Etcd = &envtest.Etcd{DataDir: filepath.Join(folder, "data")}
	for _, dir := range []string{server.CertDir, c.env.ControlPlane.Etcd.DataDir} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, err
		}
	}
	// These two let it start on a machine without a network.
	server.Configure().Set("advertise-address", "127.0.0.1").Set("endpoint-reconciler-type", "none")
	server.Configure().Append("disable-admission-plugins", without...)
	output, err := os.Create(filepath.Join(folder, "cluster.log"))
	if err != nil {
		return nil, err
	}
	server.Out, server.Err = output, output
	c.env.ControlPlane.Etcd.Out, c.env.ControlPlane.Etcd.Err = output, output
	if server.Path, err = c.mortal("kube-apiserver"); err != nil {
		return nil, err
	}
	if c.env.ControlPlane.Etcd.Path, err = c.mortal("etcd"); err != nil {
		return nil, err
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // with this thread its children end
		_, err := c.env.Start()
		started <- err
		<-c.stopped
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the API server: %w; the end of its log:\n%s", err, tail(output.Name()))
	}
	return c, c.furnish()
}

// mortal writes a script that runs one of the programs in such a way that the
// kernel ends it when the tests are cut off. envtest would leave it behind.
func (c *cluster) mortal(program string) (string, error) {
	path := filepath.Join(c.folder, program)
	script := fmt.Sprintf("#!/bin/sh\nexec setpriv --pdeathsig KILL '%s' \"$@\"\n", filepath.Join(c.assets, program))
	return path, os.WriteFile(path, []byte(script), 0o700)
}

// tail is the end of a file.
func tail(path string) string {
	text, _ := os.ReadFile(path)
	return string(text[max(0, len(text)-4000):])
}

// furnish makes the clients, the Node and what starts later.
func (c *cluster) furnish() (err error) {
	ctx := context.Background()
	c.config = c.env.Config
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		return err
	}
	c.kubeconfig = filepath.Join(c.folder, "admin.kubeconfig")
	if err := os.WriteFile(c.kubeconfig, c.env.KubeConfig, 0o600); err != nil {
		return err
	}
	c.controllers = sync.OnceValue(c.startControllers)
	c.base = sync.OnceValue(func() error { return c.deploy("base") })
	node, err := c.client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: nodeName, Labels: map[string]string{corev1.LabelOSStable: "linux"},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	node.Spec.Taints = nil // it was born "not ready"
	_, err = c.client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{})
	return err
}

// startControllers starts those controllers of kube-controller-manager that tests
// need.
func (c *cluster) startControllers() error {
	output, err := os.Create(filepath.Join(c.folder, "controllers.log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(filepath.Join(c.assets, "kube-controller-manager"), "--kubeconfig="+c.kubeconfig,
		"--leader-elect=false", "--secure-port=0", "--use-service-account-credentials=false", "--kube-api-qps=500", "--kube-api-burst=1000",
		"--controllers=daemonset-controller,deployment-controller,namespace-controller,replicaset-controller,replicationcontroller-controller")
	cmd.Stdout, cmd.Stderr = output, output
	c.manager, err = process.Start(cmd, syscall.SIGKILL)
	return err
}

// stop ends everything, the API server before its etcd.
func (c *cluster) stop() error {
	defer close(c.stopped)
	var err error
	if c.manager != nil {
		err = c.manager.Signal(syscall.SIGTERM)
		_, late := c.manager.Wait(patience)
		err = errors.Join(err, late)
	}
	return errors.Join(err, c.env.Stop())
}

// kubectl runs kubectl as an administrator and returns what it prints.
func (c *cluster) kubectl(stdin string, args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(c.assets, "kubectl"), append([]string{"--kubeconfig=" + c.kubeconfig, "--cache-dir=" + filepath.Join(c.folder, "kubectl")}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// deploy applies a kustomization of deploy/, as a user does with kubectl apply -k.
// It is built here, so that "go test" knows the files that a result depends on.
func (c *cluster) deploy(name string, args ...string) error {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join("..", "..", "deploy", name))
	if err != nil {
		return err
	}
	text, err := built.AsYaml()
	if err != nil {
		return err
	}
	_, err = c.kubectl(string(text), append([]string{"apply", "--server-side", "--validate=strict", "-f", "-"}, args...)...)
	return err
}

// tokenKubeconfig writes the kubeconfig of a ServiceAccount, with a token such as
// its Pods get. change may change it first.
func (c *cluster) tokenKubeconfig(ctx context.Context, path, namespace, account string, change ...func(*clientcmdapi.Cluster, *clientcmdapi.AuthInfo)) error {
	config, err := clientcmd.Load(c.env.KubeConfig)
	if err != nil {
		return err
	}
	request, err := c.client.CoreV1().ServiceAccounts(namespace).CreateToken(ctx, account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	for name := range config.AuthInfos {
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: request.Status.Token}
		for _, f := range change {
			f(config.Clusters[name], config.AuthInfos[name])
		}
	}
	return clientcmd.WriteToFile(*config, path)
}
