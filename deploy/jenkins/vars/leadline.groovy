// Tells Leadline how the deployment of this build went. As a step of a shared library, which this folder is:
//
//   post { always { leadline component: 'cart', environment: 'production', version: env.VERSION } }
//
// LEADLINE_URL is a global variable of Jenkins, the token a credential of the kind "secret text" with the id leadline-token.
// Fields are those of a native deployment; what the build knows itself is in resources/leadline-jenkins.sh.
def call(Map fields = [:]) {
    def given = fields.findAll { it.value }.collect { "${it.key}=${it.value}" }.join('\n')
    withCredentials([string(credentialsId: 'leadline-token', variable: 'LEADLINE_TOKEN')]) {
        withEnv([
            "LEADLINE_RESULT=${currentBuild.currentResult}",
            "LEADLINE_STARTED_MS=${currentBuild.startTimeInMillis}",
            "LEADLINE_FIELDS=${given}",
        ]) {
            writeFile file: '.leadline.sh', text: libraryResource('leadline.sh')
            sh label: 'Tell Leadline', script: libraryResource('leadline-jenkins.sh')
        }
    }
}
