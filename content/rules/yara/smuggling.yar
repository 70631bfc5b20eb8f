// A page that builds a file out of its own text and hands it out by itself: nothing passes the mail or web filter as a file.

rule html_hands_out_a_file_it_carries
{
    meta:
        description = "HTML page that decodes a long text of its own and saves it as a program, archive or disk image by itself"
        author = "Bartizan"
        severity = "medium"
        attack = "T1027.006"
    strings:
        $script = "<script" nocase
        $decode = /\b(atob|Uint8Array|charCodeAt)\b/
        $blob = /new[ \t]{1,4}Blob[ \t]{0,4}\(/
        $save = /(createObjectURL|msSaveOrOpenBlob|msSaveBlob)[ \t]{0,4}\(/
        $click = /\.click[ \t]{0,4}\([ \t]{0,4}\)/
        $name = /["'][^"'\r\n]{1,80}\.(exe|msi|iso|img|vhd|vhdx|zip|rar|7z|js|jse|vbs|hta|lnk|bat|cmd|scr|xll)["']/ nocase
        $carried = /["'`][A-Za-z0-9+\/]{2000}/
    condition:
        all of them
}
