package limit

import (
	"bytes"
	"fmt"
	"io"
)

// WriteMarkdown writes the reference page of all limits. The error is the writer's.
func WriteMarkdown(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString(intro)
	b.WriteString("\n## Limits that an operator may change\n\n| Setting | Default | From, to | What may be so much | What becomes of the rest |\n|---|---|---|---|---|\n")
	for _, r := range Rows() {
		fmt.Fprintf(&b, "| `%s` | %d | %d, %d | %s | %s |\n", r.Setting, r.Default(), r.Least, r.Most, r.Help, r.Beyond)
	}
	fmt.Fprintf(&b, fixed, Members, AllOverrides, Certificates>>20, Contests, Told)
	_, err := w.Write(b.Bytes())
	return err
}

const intro = `<!-- Generated from the table in pkg/route/limit/limit.go. After a change there: UPDATE=1 make test -->

# Limits

Namespaces are tenants that don't trust each other. What one of them may take up of the nginx that all share is limited:

- Up to a limit everything is served. Beyond it only the entries beyond it are not, and never their neighbours.
- Which entries stay is a written rule that depends on the tenant's own objects, and for the limit of all Namespaces together
  on those of older Namespaces. What others do later takes nothing away.
- The owner of the object is told: which limit, how many entries, and what to do. Whatever is wrong beyond the limit in bulk is
  summed up, by host or by object.
- All kinds of objects count together: annotations of Namespaces and Pods, and Ingresses.
`

const fixed = `
## Limits that are fixed

| Most | Of what | What becomes of the rest |
|---|---|---|
| %d | Pods with keys (policy hash) of a Namespace, each counted for every host and path | The paths beyond answer 503. |
| %d | Overrides of a Namespace, each counted for every host and path | The paths beyond answer 503. |
| %d MiB | Certificates and keys of a Namespace's hosts, each counted for every host | The hosts beyond are not served, also not on plain HTTP. |
| %d | Problems that tell a Namespace of others that declare what it serves | The rest is told as a number. |
| %d | Problems of one object, and so Events and lines of the log | The rest is told as a number. |

## Which hosts a Namespace may have

` + "`HOST_POLICY`" + ` says whether Namespaces share hosts. With ` + "`shared`" + `, the default, several Namespaces may serve paths of
a host, and for each path the Namespace created first has it. With ` + "`exclusive`" + ` the Namespace created first has the whole
host. Either way both sides are told, and of the other nothing but the Namespace's name. What is given up is free at once.

Names are compared as they are written, also with ` + "`exclusive`" + `: who has ` + "`*.example.com`" + ` does not have
` + "`www.example.com`" + `, and an exact name beats a wildcard. So another Namespace may take a single name from below a wildcard. To
keep a domain for one Namespace, use ` + "`ALLOWED_HOSTS`" + `.

` + "`ALLOWED_HOSTS=NAMESPACE/NAME`" + ` names a ConfigMap, in a namespace that tenants can't write to. Its keys are namespaces, or
` + "`_others`" + ` for all that are not listed; the values are patterns of hosts, separated by white space:

` + "```yaml" + `
data:
  shop: www.example.com *.shop.example.com
  blog: |
    blog.example.com
  edge: "*"
  _others: "*.dev.example.com"
` + "```" + `

| Pattern | Allows |
|---|---|
| ` + "`www.example.com`" + ` | this host |
| ` + "`*.example.com`" + ` | all hosts below, however deep, wildcards included; not ` + "`example.com`" + ` itself |
| ` + "`*`" + ` | all hosts, and requests for hosts that nobody declares (` + "`DEFAULT_NAMESPACE`" + `) |

A host that is not allowed is not served for the Namespace, its owner is told, and the host is free for others, also if
they were created later. A Namespace that is not listed, without ` + "`_others`" + `, may use no host, and neither may anybody while the
ConfigMap is missing. A pattern that can't be read allows nothing, and is told as a problem of the ConfigMap. A change of the
ConfigMap counts at once. In the kube source Dispatcher reads the ConfigMap whatever ` + "`OVERRIDES`" + ` says: it must be allowed to
list and watch ConfigMaps of that name.
`
