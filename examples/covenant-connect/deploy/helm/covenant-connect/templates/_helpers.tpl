{{- /* Written by `lockgate render` from lockgate.yaml. Edits here are lost: change the spec, or add to its `patches`. */ -}}
{{- /* The version, which every release must name. */ -}}
{{- define "covenant-connect.version" -}}
{{- required "version is not set: name the version that is released, as in --set-string version=v1.2.3" $.Values.version -}}
{{- end }}
{{- /* An image by its digest, which every release must name: a tag may mean other bytes tomorrow. */ -}}
{{- define "covenant-connect.image" -}}
{{- $image := index $.Values.images $.name -}}
{{- $image.repository }}@{{ required (printf "images.%s.digest is not set: name the bytes that are released, as in --set-string images.%s.digest=sha256:..." $.name $.name) $image.digest -}}
{{- end }}
{{- /* Any value on one line. `toYaml` writes nothing at all where a text has control characters. */ -}}
{{- define "covenant-connect.value" -}}
{{- $separator := "" -}}
{{- if kindIs "map" . -}}
{ {{- range $key, $value := . }}{{ $separator }}{{ $key | quote }}: {{ include "covenant-connect.value" $value }}{{ $separator = ", " }}{{ end -}} }
{{- else if kindIs "slice" . -}}
[{{- range $value := . }}{{ $separator }}{{ include "covenant-connect.value" $value }}{{ $separator = ", " }}{{ end -}}]
{{- else if kindIs "string" . -}}
{{ . | quote }}
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}
{{- /* Whether migrations run before the release is applied. */ -}}
{{- define "covenant-connect.before" -}}
{{- if or $.Release.IsUpgrade (eq $.Values.jobs.migrate.onInstall "before") }}true{{ end -}}
{{- end }}
