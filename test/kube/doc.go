// Package kube tests the whole program against a real API server. Objects enter
// as kubectl, controllers and a kubelet write them; the real dispatcher binary
// watches them with the rights that deploy/base grants, runs the real nginx, and
// HTTP requests ask which Pod answered. It never talks to any other cluster than
// the one it starts.
//
// A scenario is a few lines:
//
//	func TestSomething(t *testing.T) {
//		t.Parallel()
//		s := begin(t)                    // the package's API server; the first test starts it
//		shop := s.namespace("shop")      // routable and fresh; serves shop.host
//		web := shop.pod("web", "/app")   // Pending; its server is up already
//		d := s.dispatcher()              // ready, under its own ServiceAccount
//		d.Answers(shop.host, "/app", 404) // nobody serves this path yet
//		web.run()                        // Running and Ready, as a kubelet says it
//		d.Serves(shop.host, "/app", "web")
//		shop.annotate(hostsKey, `{"other.example.com": {}}`)
//		d.Serves("other.example.com", "/app", "web")
//		web.terminate()                  // until vanish it is Terminating
//		d.Answers("other.example.com", "/app", 404)
//	}
//
// Dispatchers watch all Namespaces, those of parallel tests too: a test's hosts
// must be its own. What controllers make of Deployments and the like needs
// s.controllers(), and a kubelet for their Pods: shop.kubelet(). s.kubectl runs
// kubectl. Names of Pods are unique in a test. A test that wants to break the API
// server starts one of its own with startCluster.
//
// KUBEBUILDER_ASSETS names the folder with the cluster's programs; "make test"
// sets it to what scripts/kube-assets.sh builds. NGINX_BINARY names another
// nginx, and DISPATCHER_BINARY a Dispatcher that is already built.
package kube
