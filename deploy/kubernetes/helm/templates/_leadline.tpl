{{- define "leadline.annotations" -}}
info/environment: {{ .Values.leadline.environment | quote }}
info/product: {{ .Values.leadline.product | quote }}
info/team: {{ .Values.leadline.team | quote }}
version: {{ .Values.image.tag | quote }}
repo: {{ .Values.leadline.repo | quote }}
{{- end }}
