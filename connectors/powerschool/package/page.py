"""x"""
def page(plugin): return ""
