"""The example dossiers, and the script that draws their scans."""
