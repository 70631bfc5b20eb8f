// Scripts whose only use is to hand a machine to somebody else.

rule script_opens_a_shell_to_outside
{
    meta:
        description = "Script that ties a shell to a connection to another machine"
        author = "Bartizan"
        severity = "high"
        attack = "T1059.004, T1095"
    strings:
        $bash = /\b(ba|z|k|da)?sh[ \t]{1,4}-i[ \t]{0,4}(>&|&>|>)[ \t]{0,4}\/dev\/(tcp|udp)\/[^ \/\r\n]{1,253}\/[0-9]{1,5}/
        $mkfifo = /mkfifo[ \t]{1,4}[^;|\r\n]{1,100}[;&|][^\r\n]{0,120}sh[ \t]{1,4}-i[^\r\n]{0,60}\|[ \t]{0,4}(nc|ncat|telnet|openssl)\b/
        $python = /socket\.socket\([^\r\n]{0,200}os\.dup2\([^\r\n]{0,200}(subprocess|pty\.spawn|os\.system)/
    condition:
        filesize < 2MB and any of them
}

rule powershell_runs_what_it_fetches
{
    meta:
        description = "PowerShell command line that hides its window and runs what it fetches"
        author = "Bartizan"
        severity = "high"
        attack = "T1059.001, T1105, T1564.003"
    strings:
        $hidden = /-(w|wi|win|wind|windo|window|windowstyle)[ \t]{1,4}(h|hi|hid|hidd|hidde|hidden|1)\b/ nocase
        $fetch = /(DownloadString|DownloadData|Invoke-WebRequest|Invoke-RestMethod|\biwr\b|\birm\b)[^\r\n]{0,200}https?:\/\// nocase
        $run = /(\bIEX\b|Invoke-Expression|\[ScriptBlock\]::Create)/ nocase
    condition:
        filesize < 2MB and all of them
}
