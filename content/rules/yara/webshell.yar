// Pages that run what a visitor sends. Both halves must stand close together: a page that reads a parameter and, elsewhere, runs a fixed
// command is an ordinary administration page.

rule php_runs_what_it_is_sent
{
    meta:
        description = "PHP page that runs code or commands taken straight from the request"
        author = "Bartizan"
        severity = "high"
        attack = "T1505.003"
    strings:
        $php = /<\?(php|=)/ nocase
        $direct = /\b(eval|assert|system|shell_exec|passthru|popen|proc_open)[ \t]{0,4}\([ \t@]{0,4}((base64_decode|gzinflate|gzuncompress|str_rot13|stripslashes|urldecode|hex2bin|trim)[ \t]{0,4}\([ \t@]{0,4}){0,3}\$_(GET|POST|REQUEST|COOKIE|SERVER)[ \t]{0,4}\[/ nocase
        $backtick = /`[ \t]{0,4}(\{)?\$_(GET|POST|REQUEST|COOKIE)[ \t]{0,4}\[/ nocase
    condition:
        $php and any of ($direct, $backtick)
}

rule jsp_runs_what_it_is_sent
{
    meta:
        description = "JSP page that starts a program named by a request parameter"
        author = "Bartizan"
        severity = "high"
        attack = "T1505.003"
    strings:
        $jsp = "<%"
        $direct = /(getRuntime[ \t]{0,4}\([ \t]{0,4}\)[ \t\r\n]{0,8}\.[ \t]{0,4}exec|new[ \t]{1,4}ProcessBuilder)[ \t]{0,4}\([^;]{0,120}request[ \t]{0,4}\.[ \t]{0,4}getParameter/
    condition:
        $jsp and $direct
}
