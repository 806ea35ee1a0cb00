// CImaging
